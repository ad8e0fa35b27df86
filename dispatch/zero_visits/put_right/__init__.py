"""What went wrong is put right: whose it is, what solves it, and what becomes of a letter that came back."""
