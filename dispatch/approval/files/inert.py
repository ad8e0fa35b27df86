"""Cells that a spreadsheet would take for a formula, written so that it does not: CSV has no other way."""

_LIVE = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def inert(cell: str) -> str:
    """The cell as text: an apostrophe stands before what would otherwise be computed."""
    return f"'{cell}" if cell.startswith(_LIVE) else cell


def alive(cell: str) -> str:
    """The cell as it was before `inert`."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_LIVE) else cell
