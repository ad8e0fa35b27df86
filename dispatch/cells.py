"""Cells of a table that somebody opens in a spreadsheet: text stays text. Pure."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a cell begins that Excel or WPS would calculate (OWASP, CSV injection)."""


def harmless(text: str) -> str:
    """The same, with an apostrophe before what would be calculated."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) or text.startswith(FORMULA) else text
