"""The counter: the console in which the centre's staff work. Pages and forms only; no rule lives here."""
