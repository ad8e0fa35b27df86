"""SF Express, 丰桥 (CARRIERS §2)."""
