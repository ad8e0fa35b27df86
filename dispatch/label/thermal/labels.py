"""The sheets of a run in a printer's language."""

from uuid import UUID

from PIL import Image

from dispatch.label.print_run import take_out
from dispatch.label.printer import Language
from dispatch.label.thermal.raster import rasterise, shift
from dispatch.label.thermal.tspl import tspl
from dispatch.label.thermal.zpl import zpl
from dispatch.world import World


def write_labels(
    pdf: bytes, language: Language, *, darkness: int | None = None, moved: tuple[int, int] = (0, 0)
) -> bytes:
    """Each page of the PDF as one label, in order. `moved`: dots to the right and down."""
    return b"".join(_label(shift(page, *moved), language, darkness) for page in rasterise(pdf))


def _label(picture: Image.Image, language: Language, darkness: int | None) -> bytes:
    return zpl(picture, darkness=darkness) if language is Language.ZPL else tspl(picture, darkness=darkness)


def run_in(world: World, batch_id: UUID, by: str, language: Language | None = None) -> bytes:
    """A whole run, as a file for a printer that hangs on somebody's own machine; None: PDF. Raises as `take_out`."""
    if language is None:
        return take_out(world, batch_id, by)
    return write_labels(take_out(world, batch_id, by, language), language)
