"""Pictures that are kept: an open envelope's contents, a signature on the screen. Sealed, and shown as a logged act.

What comes in is drawn anew before it is kept: nothing of the file but what can be seen survives (no place, no camera,
no second file behind the first).
"""

import base64
import binascii
import io
import warnings
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch import audit
from dispatch.db import Base, RowId
from dispatch.errors import NotAllowedError, NotFoundError
from dispatch.reveal import log_reveal
from dispatch.world import World

MOST_BYTES = 3 * 1024 * 1024
MOST_PIXELS = 40_000_000
LONGEST_SIDE = 1600
SIGNATURE_BYTES, SIGNATURE_SIDE = 300_000, 1200
DATA_URL = "data:image/png;base64,"


class Shows(StrEnum):
    """What a picture shows."""

    CONTENTS = "contents"
    POSTMAN = "postman"
    RECEIPT = "receipt"


SHOWS = {Shows.CONTENTS: "内件照片", Shows.POSTMAN: "揽投员签名", Shows.RECEIPT: "领取签名"}
assert set(SHOWS) == set(Shows)  # noqa: S101 - a picture without a word for it could not be listed


class Picture(Base):
    """One picture. `subject`: shipment:…, hand_over:…, pickup:…; `image`: the file in base64."""

    __tablename__ = "pictures"

    id: Mapped[RowId]
    subject: Mapped[str] = mapped_column(index=True)
    shows: Mapped[str]
    kind: Mapped[str]  # image/jpeg, image/png
    image: Mapped[bytes]  # sealed
    made_at: Mapped[datetime]
    made_by: Mapped[str]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture drawn anew."""

    kind: str
    body: bytes = field(repr=False)

    @property
    def url(self) -> str:
        """As a page holds it."""
        return f"data:{self.kind};base64,{base64.b64encode(self.body).decode()}"


@dataclass(frozen=True, slots=True)
class Kept:
    """That there is a picture, without it."""

    id: UUID
    words: str
    made_at: datetime
    made_by: str


def read_photo(body: bytes) -> Drawn:
    """A photograph as JPEG, turned upright, 1,600 pixels at most. Raises NotAllowedError for what is none."""
    if len(body) > MOST_BYTES:
        raise NotAllowedError("照片超过 3 MB，没有存。请降低拍摄清晰度再传。")
    image = ImageOps.exif_transpose(_opened(body, ("JPEG", "PNG"))).convert("RGB")
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return _written(image, "JPEG", "image/jpeg")


def read_signature(url: str) -> Drawn:
    """What a hand drew on the screen, as a canvas tells it. Raises NotAllowedError, also where nothing was drawn."""
    try:
        body = base64.b64decode(url.removeprefix(DATA_URL), validate=True)
    except (binascii.Error, ValueError):
        body = b""
    if not url.startswith(DATA_URL) or not body or len(body) > SIGNATURE_BYTES:
        raise NotAllowedError("没有签名，或签名读不出来。请重签，或改在纸上签。")
    drawn = _opened(body, ("PNG",)).convert("RGBA")
    drawn.thumbnail((SIGNATURE_SIDE, SIGNATURE_SIDE))
    paper = Image.new("RGB", drawn.size, "white")
    paper.paste(drawn, mask=drawn.getchannel("A"))
    darkest, _ = paper.convert("L").getextrema()
    if not isinstance(darkest, int | float) or darkest > SIGNED:
        raise NotAllowedError("签名栏是空的。请签名，或改在纸上签。")
    return _written(paper.convert("L"), "PNG", "image/png")


SIGNED = 160
"""Somewhere the paper is darker than this (of 255), or nobody has signed."""


def _opened(body: bytes, formats: tuple[str, ...]) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(body), formats=formats)
            if image.width * image.height > MOST_PIXELS:
                raise NotAllowedError("照片的像素太多，没有存。请降低拍摄清晰度再传。")
            image.load()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombWarning) as error:
        raise NotAllowedError("这不是照片，或文件已损坏。请用 JPEG 或 PNG。") from error
    return image


def _written(image: Image.Image, form: str, kind: str) -> Drawn:
    out = io.BytesIO()
    image.save(out, form, **({"quality": 80} if form == "JPEG" else {"optimize": True}))
    return Drawn(kind, out.getvalue())


def is_kept(world: World, session: Session, subject: str, drawn: Drawn) -> bool:
    """Whether this very picture is there. The caller holds the lock of what it belongs to."""
    rows = session.scalars(select(Picture).where(Picture.subject == subject))
    return base64.b64encode(drawn.body).decode() in {world.vault.open(row, "image") for row in rows}


def keep_picture(world: World, session: Session, subject: str, shows: Shows, drawn: Drawn, by: str) -> None:
    """Keep it, sealed, in the caller's transaction."""
    row = Picture(id=uuid7(), subject=subject, shows=shows, kind=drawn.kind, made_at=world.now(), made_by=by)
    world.vault.seal(row, "image", base64.b64encode(drawn.body).decode())
    session.add(row)
    audit.note(world, session, by, audit.Deed.CHANGE, subject, f"存入{SHOWS[shows]}")


def pictures_of(session: Session, subjects: list[str]) -> list[Kept]:
    """Which pictures there are of these subjects, oldest first."""
    query = select(Picture.id, Picture.shows, Picture.made_at, Picture.made_by).where(Picture.subject.in_(subjects))
    return [
        Kept(row.id, SHOWS[Shows(row.shows)], row.made_at, row.made_by)
        for row in session.execute(query.order_by(Picture.made_at))
    ]


def subject_of_picture(world: World, picture_id: UUID) -> str:
    """What it belongs to. Raises NotFoundError."""
    with world.reading() as session:
        found = session.scalar(select(Picture.subject).where(Picture.id == picture_id))
    if found is None:
        raise NotFoundError("没有这张照片。")
    return found


def show_picture(world: World, picture_id: UUID, by: str, reason: str) -> Drawn:
    """The picture itself; the look is written down first. Raises NotFoundError, NotAllowedError (no reason)."""
    log_reveal(world, subject_of_picture(world, picture_id), by, reason)
    return open_picture(world, picture_id)


def open_picture(world: World, picture_id: UUID) -> Drawn:
    """The picture for a sheet that is written down as an act of its own. Raises NotFoundError."""
    with world.reading() as session:
        row = session.get(Picture, picture_id)
    if row is None:
        raise NotFoundError("没有这张照片。")
    return Drawn(row.kind, base64.b64decode(world.vault.open(row, "image") or ""))
