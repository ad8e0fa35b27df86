"""The centre's own people as a carrier: a desk of ours, or of a town, that speaks HTTP (docs/by-hand.md)."""
