"""What `dispatch.cells.harmless` puts before a cell comes off again when a list comes back."""

from dispatch.cells import FORMULA


def alive(cell: str) -> str:
    """The cell as it was."""
    return cell[1:] if cell.startswith("'") and cell[1:].lstrip(" ").startswith(FORMULA) else cell
