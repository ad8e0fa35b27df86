"""The audit log read by people: looked through, and taken out as a table (a side room)."""
