"""What names its owner by a word and an id hangs on no foreign key: each such word was looked at, and is followed."""

import ast
import base64
import io
import re
from pathlib import Path

import pytest
from on_the_road import CLERK, Road
from PIL import Image
from sqlalchemy import select
from test_erasing import case_of, opened
from uuid_utils.compat import uuid7

from dispatch import audit, worklist
from dispatch.approval.pickup_row import Pickup
from dispatch.batch import Kind, add_waiting, make_batch
from dispatch.crash import Deed
from dispatch.db import Base
from dispatch.errands.errand import SUBJECT as ERRAND
from dispatch.label.printer import PRINTING
from dispatch.packing.hand_over import HandOver
from dispatch.personal.erase import erase
from dispatch.personal.reach import PARCEL, SUBJECTS
from dispatch.picture import Drawn, Picture, Shows, keep_picture
from dispatch.reveal import log_reveal
from dispatch.tracking.forget import forget_pushes
from dispatch.tracking.push import Push
from dispatch.wiring import now
from dispatch.worklist import Entry, Reason

DISPATCH = Path(audit.__file__).parent
HAS_ITS_OWN_TIME = {"push": "with what it said (retention of pushes)"}
NAMES_NOBODY = {
    "account": "a carrier's",
    "client": "a system",
    "staff": "who works here",
    "printer": "a machine",
    "item": "what is applied for",
    "calendar": "a year",
    "overview": "a month",
    "register": "a day",
    "collection": "a round, in numbers",
    "import": "a list, in numbers; gone after a day",
    "view": "a clerk's own filters, in the queue's name",
}
NO_SUBJECT = {
    "form",  # a lock, as long as a form is looked up
    *("act", "news", "list", "word", "stranded"),  # causes of a move, facts of an entry
    *("window", "desk", "data"),  # origin of a visit, source of a case, address of a picture
}


def written():
    """Every `word:{…}` that the code makes, but for those in posts' own protocols."""
    found = {PRINTING, ERRAND.rstrip(":")}
    for file in DISPATCH.rglob("*.py"):
        if "posts" in file.relative_to(DISPATCH).parts:
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                word = re.fullmatch(r"([a-z][a-z_]*):", str(node.values[0].value))
                found |= {word[1]} if word else set()
    return found


def test_every_kind_of_subject_that_is_written_is_reached_or_was_judged():
    """The applicant's signature at the window (`pickup:`) was kept for ever: nobody had looked at that word."""
    reached = {PARCEL, *(word for _, word in SUBJECTS)}
    assert written() - NO_SUBJECT == reached | HAS_ITS_OWN_TIME.keys() | NAMES_NOBODY.keys()


@pytest.fixture
def road(post, drain, decided):
    """A and B went out on one posting list."""
    road = Road(post.world, drain)
    road.hand_over(decided("A"), decided("B", item_name="不动产登记"))
    return road


def owners(road, case_no):
    """Of this case the subjects that there are, by their word; what is missing is made."""
    case, shipment = case_of(road, case_no), road.shipment(case_no)
    with road.world.begin(Deed.FORGET) as session:
        pickup = Pickup(id=uuid7(), case_id=case.id, asked_at=now(), asked_by=CLERK)
        session.add(pickup)
        batch = make_batch(road.world, session, Kind.HOLD, CLERK, "蓝某要求暂缓")
        add_waiting(session, batch, [case.id])
        [hand_over] = session.scalars(select(HandOver))
        made = [case.subject, shipment.subject, pickup.subject, hand_over.subject, batch.subject, f"print:{batch.id}"]
    return {one.partition(":")[0]: one for one in [*made, f"parcel:{shipment.carrier}:{road.number(case_no)}"]}


def plant(road, subjects):
    """One row of each kind about each of them."""
    with road.world.begin(Deed.FORGET) as session:
        for word, subject in subjects.items():
            keep_picture(road.world, session, subject, Shows.RECEIPT, picture(), CLERK)
            worklist.put(road.world, session, Reason.JOB_STUCK, subject, cause=word, detail=f"蓝某的 {word} 停了")
    for word, subject in subjects.items():
        log_reveal(road.world, subject, CLERK, f"蓝某为 {word} 来电")


def picture():
    out = io.BytesIO()
    Image.new("L", (2, 2)).save(out, "PNG")
    return Drawn("image/png", out.getvalue())


def forget(road, case_no):
    with road.world.begin(Deed.FORGET) as session:
        erase(road.world, session, [case_of(road, case_no).id], [road.shipment(case_no).id])


def told_of(road, subject):
    """By table what is still said or shown of it."""
    with road.world.reading() as session:
        rows = {
            table.name: session.execute(table.select().where(table.c.subject == subject)).mappings().all()
            for table in Base.metadata.tables.values()
            if "subject" in table.c
        }
    seen = {
        "pictures": any(row["image"] and opens(road, row) for row in rows["pictures"]),
        "reveals": any(row["why"] for row in rows["reveals"]),
        "audit_log": any(row["detail"] for row in rows["audit_log"] if row["deed"] != audit.Deed.ERASE),
        "worklist": any(row["detail"] for row in rows["worklist"]),
    }
    return {name for name, told in seen.items() if told}


def opens(road, row):
    return base64.b64decode(road.world.vault.open(Picture(**row), "image") or "") != b""


ALL = {"pictures", "reveals", "audit_log", "worklist"}


def test_whatever_is_told_of_a_case_under_any_word_goes_with_it(road):
    mine, others = owners(road, "A"), owners(road, "B")
    errands = {word for _, word in SUBJECTS} - mine.keys()
    assert errands == {"errand"}  # test_erasing.py: our own people's orders
    plant(road, mine)
    plant(road, {word: subject for word, subject in others.items() if word != "hand_over"})
    assert {told for subject in mine.values() for told in told_of(road, subject)} == ALL
    forget(road, "A")
    left = {word: told_of(road, subject) for word, subject in mine.items()}
    assert left == {word: ALL if word == "hand_over" else set() for word in mine}
    assert all(told_of(road, subject) == ALL for subject in others.values())


def test_the_postmans_signature_goes_with_the_last_of_its_list(road):
    mine = owners(road, "A")
    plant(road, {"hand_over": mine["hand_over"]})
    with road.world.begin(Deed.FORGET) as session:
        [made] = session.scalars(select(HandOver))
        road.world.vault.seal(made, "postman", "包大民")
    forget(road, "A")
    assert told_of(road, mine["hand_over"]) == ALL
    assert "包大民" in opened(road.world)
    forget(road, "B")
    assert told_of(road, mine["hand_over"]) == set()
    assert "包大民" not in opened(road.world)


def test_why_a_batch_was_held_goes_with_the_first_of_its_cases(road):
    owners(road, "A")
    assert "蓝某要求暂缓" in opened(road.world)
    forget(road, "A")
    assert "蓝某要求暂缓" not in opened(road.world)


def test_what_a_clerk_wrote_of_nobodys_parcel_goes_with_the_push_that_told_of_it(road):
    """No case leads there: the words that settled such an entry stood for ever."""
    world, subject = road.world, "parcel:ems:9999999999999"
    with world.begin(Deed.FORGET) as session:
        push = Push(
            id=uuid7(), carrier="ems", digest=b"1" * 32, source="test", received_at=now(), read_at=now(), times=1
        )
        world.vault.seal(push, "raw", "{}")
        session.add(push)
        worklist.put(world, session, Reason.UNKNOWN_PARCEL, subject, cause=push.subject, detail="…")
        session.flush()
        [entry] = worklist.standing(session, subject)
        worklist.settle(world, entry, CLERK, "雷望月说是她的")
        audit.note(world, session, CLERK, audit.Deed.CHANGE, subject, "雷望月说是她的")
    assert opened(world).count("雷望月说是她的") == 2
    with world.begin(Deed.FORGET) as session:
        assert forget_pushes(session, world.now(), 10) >= 1
    assert "雷望月说是她的" not in opened(world)
    with world.reading() as session:
        assert session.scalars(select(Entry).where(Entry.subject == subject)).one().settled_by == CLERK
    assert audit.verify(world).sound
