"""The apostrophe that keeps a cell from being calculated: put before it once, and taken off once."""

from dispatch.cells import harmless


def alive(cell: str) -> str:
    """The cell as it was, however many apostrophes it had of its own."""
    return cell[1:] if _is_marked(cell) else cell


def inert(cell: str) -> str:
    """What `alive` makes the cell of: nothing that a spreadsheet would calculate."""
    return f"'{cell}" if _is_marked(cell) else harmless(cell)


def in_workbook(cell: str) -> str:
    """The same for a cell that a workbook keeps as text: only an apostrophe of its own wants another."""
    return f"'{cell}" if _is_marked(cell) else cell


def _is_marked(cell: str) -> bool:
    own = cell.lstrip("'")
    return own != cell and harmless(own) != own
