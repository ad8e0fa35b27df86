"""News comes back: pushed or asked for, stored as it came, read in a worker, folded into one state."""
