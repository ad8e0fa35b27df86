"""The centre's own people as a carrier: their desk takes orders, they report, their news go out (docs/by-hand.md)."""
