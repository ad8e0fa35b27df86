"""The waybill is drawn: barcode, QR code, sheet."""

from dispatch.label.sheet import Sheet, SheetSize, draw_sheets
from dispatch.label.words import LabelError

__all__ = ["LabelError", "Sheet", "SheetSize", "draw_sheets"]
