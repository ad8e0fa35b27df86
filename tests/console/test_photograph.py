"""A photograph of an open envelope: sealed, without what the camera wrote into it, shown for a reason and noted."""

import base64
import io

import pytest
from PIL import Image
from sqlalchemy import select, text

from dispatch.approval.lodge import lodge
from dispatch.audit import AuditEntry, Deed
from dispatch.journey import Act
from dispatch.packing.pack import to_pack
from dispatch.shipment import act, at_stage, lock
from dispatch.staff.role import Role
from tests.console.conftest import ORIGIN

CASE = "331127202611220001"
PLACE = "taken at home"


def jpeg() -> bytes:
    """As a telephone makes it, with the place in its own notes."""
    image, notes, out = Image.new("RGB", (60, 40), "white"), Image.Exif(), io.BytesIO()
    notes[0x010E] = PLACE
    image.save(out, "JPEG", exif=notes)
    return out.getvalue()


@pytest.fixture
def waybill(post, drain, decided) -> str:
    """The number of a letter that lies on the packing table."""
    lodge(post.world, decided(CASE), "test")
    drain(post.world)
    with post.world.begin() as session:
        for shipment in at_stage(session, ["booked"]):
            act(post.world, session, lock(session, shipment.id), Act.PRINT)
    with post.world.reading() as session:
        [(_, number)] = to_pack(session)
    return number


def send(clerk, waybill: str, body: bytes):
    files = {"photo": ("contents.jpg", body, "image/jpeg")}
    data = {"csrf": clerk.csrf, "waybill": waybill}
    return clerk.browser.post("/console/pack/photo", data=data, files=files, headers=ORIGIN)


def kept(world) -> int:
    with world.reading() as session:
        return session.scalar(text("SELECT count(*) FROM pictures"))


def test_it_is_kept_sealed_and_shown_for_a_reason_that_is_noted(world, person, waybill):
    clerk = person(Role.DISPATCH)
    sent = send(clerk, waybill, jpeg())
    assert sent.status_code == 303
    page = clerk.get(sent.headers["location"]).text
    assert ("照片已存" in page, f'name="waybill" value="{waybill}"' in page) == (True, True), "it stays open"
    with world.reading() as session:
        [sealed] = session.scalars(text("SELECT image FROM pictures"))
    assert b"JFIF" not in sealed
    at = clerk.get(f"/console/case/{CASE}").text.partition("/console/picture/")[2][:36]
    assert at, "the case does not tell of it"
    unasked = clerk.post(f"/console/picture/{at}", {"reason": " "})
    assert unasked.status_code == 409
    shown = clerk.post(f"/console/picture/{at}", {"reason": "核对内件"})
    assert "data:image/jpeg;base64," in shown.text
    with world.reading() as session:
        noted = session.scalars(select(AuditEntry).where(AuditEntry.deed == Deed.REVEAL)).all()
    assert len(noted) == 1


def test_the_same_photograph_sent_twice_is_kept_once_and_another_beside_it(world, person, waybill):
    clerk, other = person(Role.DISPATCH), io.BytesIO()
    Image.new("RGB", (60, 40), "black").save(other, "JPEG")
    assert [send(clerk, waybill, body).status_code for body in (jpeg(), jpeg(), other.getvalue())] == [303] * 3
    assert kept(world) == 2


def test_what_the_camera_wrote_into_it_is_not_kept(world, person, waybill):
    assert PLACE.encode() in jpeg()
    clerk = person(Role.DISPATCH)
    send(clerk, waybill, jpeg())
    with world.reading() as session:
        [picture] = session.scalars(text("SELECT id FROM pictures"))
    shown = clerk.post(f"/console/picture/{picture}", {"reason": "核对内件"}).text
    drawn = base64.b64decode(shown.partition("data:image/jpeg;base64,")[2].partition('"')[0])
    assert PLACE.encode() not in drawn
    assert not Image.open(io.BytesIO(drawn)).getexif()


@pytest.mark.parametrize(
    ("body", "status"), [(b"GIF89a no picture", 409), (b"", 409), (b"\xff\xd8" + b"\0" * 4_000_000, 413)]
)
def test_what_is_no_photograph_or_too_large_is_refused_in_words(world, person, waybill, body, status):
    refused = send(person(Role.DISPATCH), waybill, body)
    assert refused.status_code == status
    assert kept(world) == 0


def test_more_than_any_form_may_hold_is_not_read_to_its_end(world, person, waybill):
    refused = send(person(Role.DISPATCH), waybill, b"\0" * 22_000_000)
    assert refused.status_code == 413
    assert kept(world) == 0


def test_an_envelope_of_another_department_is_not_there(world, person, waybill):
    stranger = person(Role.DISPATCH, departments=["县公安局"])
    assert send(stranger, waybill, jpeg()).status_code == 404
    assert kept(world) == 0
