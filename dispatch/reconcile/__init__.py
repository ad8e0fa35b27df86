"""After a restore: everything open is looked up at its carrier, until nothing is left that may be unknown."""
