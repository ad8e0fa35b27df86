"""Each post's own wire protocol, behind one port: a side room that knows no other."""
