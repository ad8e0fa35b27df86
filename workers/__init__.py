"""The queue's side of the house: the table of jobs, the clock, the worker process."""
