"""Who works here: accounts, what each may do and see, and how one comes in (a side room)."""
