"""The doors: one file for each kind of caller, and the pages they see."""
