"""The tracker Kuaidi100 快递100 (CARRIERS §4)."""
