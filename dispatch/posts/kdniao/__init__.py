"""The tracker Kdniao 快递鸟 (CARRIERS §3)."""
