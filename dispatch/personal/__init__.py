"""Personal data as it lies in the tables: which columns are sealed, under which key, and until when."""
