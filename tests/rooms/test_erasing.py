"""When its time is up it is forgotten who a case was for; what was counted, and how it came about, stays."""

import secrets
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from on_the_road import CLERK, Road, as_given
from road_steps import make_due, with_settings
from sqlalchemy import String, select, text
from sqlalchemy.dialects.postgresql import JSONB
from starlette.testclient import TestClient
from test_retention import forget_at
from typer.testing import CliRunner

from dispatch import audit, worklist
from dispatch.api.app import make_app
from dispatch.approval.case import Case, CaseSlip
from dispatch.approval.lodge import lodge
from dispatch.approval.release import hold
from dispatch.db import Base
from dispatch.errands.errand import Errand
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.hall_time import SHANGHAI
from dispatch.personal.columns import sealed_tables
from dispatch.personal.due import plan, set_retention
from dispatch.personal.erase import LIES_OPEN
from dispatch.personal.reach import SUBJECTS, reach
from dispatch.queues.look import show
from dispatch.retention import FORGET
from dispatch.reveal import log_reveal
from dispatch.waybill import live_waybill
from dispatch.wiring import now
from dispatch.worklist import Reason
from dispatch.zero_visits.close import Closure
from dispatch.zero_visits.figures import report
from dispatch.zero_visits.settle import number_of, settle_entry
from dispatch.zero_visits.story import Kind, story
from dispatch.zero_visits.telephone_call import note_call
from dispatch.zero_visits.word import confirm_received
from workers.clock import leave_standing
from workers.run import run_due
from zhuandi import retention

DAY = timedelta(days=1)
NAME, RECIPIENT, PHONE, ID_NO, DETAIL = "蓝秋水", "雷望月", "13900007788", "330106199001010018", "鹤溪中路5号3幢"
SLIP = {"recipient_name": RECIPIENT, "phone": PHONE, "detail": DETAIL}
DOC_NO, TITLE, TRIP = "景市监许〔2026〕77号", "蓝某的食品经营许可证", "蓝某带孩子来的那趟"
TOLD_OF_A = {
    "applicant_name": NAME,
    "applicant_id_no": ID_NO,
    "decision_doc_no": DOC_NO,
    "documents": [{"name": TITLE}],
    "visits": [{"kind": "hall_counter", "on": "2026-11-19", "trip": TRIP}],
    "slip": SLIP,
}
SECRETS = (NAME, RECIPIENT, PHONE, ID_NO, DETAIL, "雷婉儿", DOC_NO, TITLE, TRIP)


@pytest.fixture
def road(post, drain, decided):
    """Case A: sent, told of, revealed, disputed, settled and closed. Case B is on its way to somebody else."""
    road = Road(post.world, drain)
    leave_standing(road.world)
    road.hand_over(decided("A", **TOLD_OF_A), decided("B", item_name="不动产登记"))
    log_reveal(road.world, f"case:{case_of(road, 'A').id}", CLERK, f"{NAME}来电")
    road.tell("A", "203", text=f"已收寄，寄件人雷婉儿，收件人{RECIPIENT}", place=DETAIL)
    road.tell("A", "704", "10", text=f"{RECIPIENT} 本人签收", place=DETAIL)
    road.revoke("A")
    settle_entry(road.world, number_of(road.entries()[0].id), CLERK, f"问过{NAME}，{PHONE}")
    road.drain(road.world)
    road.tell("B", "203")
    assert [closed.case_id for closed in closures(road)] == [case_of(road, "A").id]
    return road


def case_of(road, case_no):
    with road.world.reading() as session:
        return session.scalars(select(Case).where(Case.case_no == case_no)).one()


def closures(road):
    with road.world.reading() as session:
        return list(session.scalars(select(Closure)))


def erased(road, *case_nos):
    """Of these cases, or of those that are closed, whether it is forgotten who they were for."""
    with road.world.reading() as session:
        asked = Case.case_no.in_(case_nos) if case_nos else Case.id.in_(select(Closure.case_id))
        return [at is not None for at in session.scalars(select(Case.erased_at).where(asked).order_by(Case.case_no))]


def time_is_up(road, age=DAY):
    """The clock's job so long after the retention, and by how much."""
    return replace(road, world=forget_at(road.world, road.world.settings.cases_kept + age))


def opened(world):
    """All that the tables hold, sealed or not, as text."""
    found = []
    with world.reading() as session:
        sealed = {one.name: one.columns for one in sealed_tables()}
        for table in Base.metadata.tables.values():
            for row in session.execute(table.select()).mappings():
                held = dict(row)
                place = SimpleNamespace(__tablename__=table.name, **held)
                found += [str(world.vault.open(place, column)) for column in sealed.get(table.name, ())]
                found.append(str(held))
    return "\n".join(found)


def test_nothing_that_the_database_holds_names_them_any_more_and_the_others_are_untouched(road):
    before = opened(road.world)
    assert all(secret in before for secret in SECRETS)
    later = time_is_up(road)
    after = opened(later.world)
    assert [secret for secret in SECRETS if secret in after] == []
    assert erased(road) == [True]
    with road.world.reading() as session:
        [slip] = session.scalars(select(CaseSlip).where(CaseSlip.case_id == case_of(road, "B").id))
        assert (road.world.vault.open(slip, "recipient_name"), slip.town) == ("蓝小雨", "红星街道")
        [gone] = session.scalars(select(CaseSlip).where(CaseSlip.case_id == case_of(road, "A").id))
        assert [road.world.vault.open(gone, column) for column in ("recipient_name", "phone", "detail")] == [""] * 3
        assert (gone.province, gone.city, gone.county, gone.town, gone.group_digest) == ("", "", "", "", b"")


def test_what_was_counted_and_the_chain_stay_and_the_erasing_is_noted(road):
    month = now().astimezone(SHANGHAI).strftime("%Y-%m")
    figures, told = report(road.world, month), story(road.world, "A")
    later = time_is_up(road)
    assert report(road.world, month) == figures
    after = story(later.world, "A")
    assert after.count == told.count
    comes_or_goes = {Kind.ERASED, Kind.CALL}  # calls are older than this, and gone with their rows
    assert kinds(after, comes_or_goes) == kinds(told, comes_or_goes)
    assert audit.verify(road.world).sound
    with road.world.reading() as session:
        of_case = text("SELECT deed, by, detail IS NULL FROM audit_log WHERE subject = :subject ORDER BY seq")
        deeds = session.execute(of_case, {"subject": f"case:{case_of(road, 'A').id}"}).all()
    *before, last = [tuple(row) for row in deeds]
    assert ("reveal", CLERK, True) in before
    assert all(erased for _, _, erased in before)
    assert last == ("erase", "system", False)


def test_of_whom_was_forgotten_nothing_is_written_down_any_more(road):
    """Delivered and forgotten it still took calls and reasons, which nobody would erase again."""
    world, told = time_is_up(road).world, f"{RECIPIENT}又来电"
    for act in (
        lambda: note_call(world, "A", CLERK, reached=True, result=told, number=PHONE),
        lambda: hold(world, "A", told, CLERK),
        lambda: confirm_received(world, "A", CLERK, told),
    ):
        with pytest.raises(NotAllowedError, match="到期清除"):
            act()
    assert [secret for secret in SECRETS if secret in opened(world)] == []


def kinds(told, but):
    return [one.kind for one in told.lines if one.kind not in but]


def test_the_same_case_sent_again_is_still_the_same_and_another_under_its_number_is_refused(road, decided):
    time_is_up(road)
    same = decided("A", **TOLD_OF_A)
    assert lodge(road.world, same, "test").outcome == "repeated"
    with pytest.raises(ConflictError, match="applicant_name"):
        lodge(road.world, decided("A", **TOLD_OF_A | {"applicant_name": "别人"}), "test")


def test_what_is_shown_of_it_is_whole_and_names_nobody(road):
    road = time_is_up(road)
    told = story(road.world, "A")
    assert (told.applicant, told.recipient, told.phone) == ("", "", "")
    assert [one.words for one in told.lines if one.kind is Kind.ERASED] == ["保存期限已满，个人信息已清除"]
    shown = "\n".join(one.words for one in told.lines)
    assert not [secret for secret in SECRETS if secret in shown]
    with road.world.reading() as session:
        [row] = show(road.world, session, [road.shipment("A").id])
    assert (row.recipient, row.waybill_no) == ("", road.number("A"))


def test_its_tracking_page_is_gone_and_the_others_are_not(post, road):
    links = {case_no: token_of(road, case_no) for case_no in "AB"}
    assert {case_no: looked_at(road.world, token) for case_no, token in links.items()} == {"A": 200, "B": 200}
    time_is_up(road)
    assert {case_no: looked_at(road.world, token) for case_no, token in links.items()} == {"A": 404, "B": 200}


def token_of(road, case_no):
    with road.world.reading() as session:
        return road.world.vault.open(live_waybill(session, road.shipment(case_no).id), "token")


def looked_at(world, token):
    with TestClient(make_app(world)) as door:
        return door.get(f"/t/{token}").status_code


@pytest.mark.parametrize("what", ["not yet", "disputed again", "news", "reopened by another"])
def test_before_its_time_or_while_anything_is_open_nothing_is_erased(road, what):
    world, kept = road.world, road.world.settings.cases_kept
    if what == "not yet":
        forget_at(world, kept - DAY)
    elif what == "disputed again":
        with world.begin() as session:
            worklist.put(world, session, Reason.DELIVERY_REVOKED, road.shipment("A").subject, cause="again")
        forget_at(world, kept + DAY)
    elif what == "news":  # the post tells of it once more, and its push is kept for its own time
        with world.begin() as session:
            session.execute(text("UPDATE sightings SET received_at = received_at + interval '9 days'"))
        forget_at(world, kept + DAY)
    else:
        with world.begin() as session:
            session.execute(text("UPDATE shipments SET stage = 'handed_over'"))
        forget_at(world, kept + DAY)
    assert erased(road) == [False]
    assert NAME in opened(world)


def test_who_shares_an_envelope_is_forgotten_together(post, drain, decided):
    """The envelope's calls, label and slip are those of both: one of them waits for the other."""
    road = Road(with_settings(post.world, item_grouping=timedelta(hours=1)), drain)
    leave_standing(road.world)
    road.lodge(decided("A"), decided("B", item_name="不动产登记"))
    road.seal_envelopes()
    road.hand_over()
    road.deliver("A")
    assert road.shipment("A").id == road.shipment("B").id
    long = 2 * road.world.settings.cases_kept.days
    set_retention(road.world, "不动产登记", long, CLERK)
    forget_at(road.world, road.world.settings.cases_kept + DAY)
    assert erased(road) == [False, False]
    forget_at(road.world, timedelta(days=long + 1))
    assert erased(road) == [True, True]


def test_an_item_may_keep_longer_and_never_shorter_than_the_pushes_are_kept(road):
    world = road.world
    with pytest.raises(NotAllowedError, match="730"):
        set_retention(world, "食品经营许可", 30, CLERK)
    with pytest.raises(NotFoundError):
        set_retention(world, "没有", None, CLERK)
    set_retention(world, "食品经营许可", 1000, CLERK)
    assert {one.code: (one.retention.days, one.own) for one in plan(world)} == {
        "食品经营许可": (1000, True),
        "不动产登记": (730, False),
    }
    forget_at(world, timedelta(days=800))
    assert erased(road) == [False]
    briefly = with_settings(world, pushes_kept=DAY)
    set_retention(briefly, "食品经营许可", 30, CLERK)
    forget_at(briefly, timedelta(days=32))
    assert erased(road) == [True]


def test_the_command_shows_what_would_be_erased_and_erases_nothing(road, monkeypatch):
    later = replace(road.world, now=lambda: now() + road.world.settings.cases_kept + DAY)
    monkeypatch.setattr(retention, "open_world", lambda: as_given(later))
    monkeypatch.setattr(retention.console, "_width", 120)
    shown = CliRunner().invoke(retention.app, [])
    assert "现已到期 1 件" in shown.output, shown.output
    assert erased(road) == [False]
    done = CliRunner().invoke(retention.app, ["set", "食品经营许可", "900"])
    assert done.exit_code == 0, done.output
    assert "现已到期 0 件" in CliRunner().invoke(retention.app, []).output


def test_many_are_erased_in_batches_and_the_rest_soon(road, monkeypatch, decided):
    monkeypatch.setattr("dispatch.retention.CASES", 1)
    road.hand_over(decided("C", slip={"phone": "13900000009"}))
    road.deliver("C")
    later = forget_at(road.world, road.world.settings.cases_kept + DAY)
    assert sorted(erased(road)) == [False, True]
    make_due(later, FORGET)
    run_due(later, FORGET)
    assert erased(road) == [True, True]


def test_our_own_peoples_orders_belong_to_the_case_too(road):
    """Their desk is a side room, which knows no case: it is found by its number."""
    world = road.world
    with world.begin() as session:
        errand = Errand(
            id=case_of(road, "B").id,
            order_no="other",
            number=road.number("A"),
            digest=secrets.token_bytes(32),
            created_at=world.now(),
        )
        world.vault.seal(errand, "order", PHONE)
        session.add(errand)
    with world.reading() as session:
        reached = reach(session, [case_of(road, "A").id], [road.shipment("A").id])
    assert errand.id in reached["errands"]
    assert road.shipment("B").id not in reached["shipments"]
    time_is_up(road)
    with world.reading() as session:
        assert session.scalars(select(Errand.order)).one() is None


NEVER_OF_A_CASE = {"breakers", "digest_keys", "restores", "staff", "pushes", "imports", "saved_views"}
"""Sealed, and not reached from a case: accounts, keys, what was said of a post, a list that was uploaded (gone after
a day), a clerk's own filters (nobody is looked for by name or number). Pushes have a time of their own, and an
item's is never shorter."""


def belonging_to_a_case():
    """The names of the tables that are reached from a case and its envelopes (by subject: test_erased_by_subject)."""
    found, grown = {name for name, _ in SUBJECTS}, True
    while grown:
        more = {
            name
            for name, table in Base.metadata.tables.items()
            if "subject" in table.c or {key.column.table.name for key in table.foreign_keys} & found
        }
        grown, found = bool(more - found), found | more
    return found


def test_every_sealed_table_is_reached_from_a_case_or_is_named_here_with_its_reason():
    """A new table that points at nothing of a case would keep its people for ever."""
    found = belonging_to_a_case()
    assert {one.name for one in sealed_tables()} - found == NEVER_OF_A_CASE
    assert LIES_OPEN.keys() <= found


IDENTIFIES_NOBODY = {
    # Numbers by which the same case, envelope, order or push is known again (promise 2); the centre's own register
    # leads from them to a person, and that register is not ours.
    "cases": {"case_no", "content"},
    "documents": {"code"},
    "shipments": {"order_no", "last_news"},
    "waybills": {"number"},
    "sightings": {"waybill_no", "order_no", "new_number"},
    "errands": {"order_no", "number"},
    "moves": {"cause"},
    "jobs": {"subject", "name"},
    "worklist": {"subject", "cause"},
    "reveals": {"subject"},
    "audit_log": {"subject"},
    "pictures": {"subject"},
    "hand_overs": {"number"},
    "allotted_numbers": {"number", "withheld"},
    # What was counted: kinds, and digests of trips.
    "visits": {"kind", "trip", "origin"},
    # Words of ours, with no name in them.
    "batch_items": {"words"},
    "print_jobs": {"words", "claimed"},
    "slip_changes": {"fields"},
}
"""Open columns of text that are left, beside those that hold one of a few words or the login of a clerk."""
ONE_OF_A_FEW = {
    *(
        "department",
        "applicant_kind",
        "source",
        "direction",
        "carrier",
        "stage",
        "tracked",
        "signer",
        "way",
        "outcome",
    ),
    *("operation", "after_voiding", "perhaps_placed", "adopted_from", "evidence", "kind", "fault", "code", "detail"),
    *("news", "reason", "before", "after", "deed", "shows", "state", "size"),
}
"""Names of departments, carriers and codes, and enumerations of ours."""
CLERKS = {"by", "owner"}


def test_every_open_column_of_a_case_is_emptied_or_was_judged():
    """A document's name, the decision's number and the place stood there for ever, because nobody had looked."""
    unjudged = [
        f"{name}.{column.name}"
        for name in sorted(belonging_to_a_case())
        for column in Base.metadata.tables[name].columns
        if isinstance(column.type, String | JSONB)
        and column.name not in {*LIES_OPEN.get(name, ()), *IDENTIFIES_NOBODY.get(name, ()), *ONE_OF_A_FEW, *CLERKS}
        and not column.name.endswith("_by")
    ]
    assert unjudged == []
