"""The audit log: whatever is changed, taken out, cut off or put in is found."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from dispatch import audit
from dispatch.audit import Deed, head_of, note, verify
from dispatch.retention import FORGET
from dispatch.safety import Level
from dispatch.staff.member import add_member
from dispatch.staff.role import Role
from dispatch.world import World
from workers.clock import leave_standing
from workers.run import run_due
from zhuandi.doctor import _log_stands


def _write(world: World, count: int = 5) -> None:
    for place in range(count):
        with world.begin() as session:
            note(world, session, "li.na", Deed.CHANGE, f"case:{place}", f"改了第 {place} 处")


def _tamper(world: World, *statements: str) -> None:
    """As whoever owns the database could."""
    with world.begin() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            session.execute(text(statement))


def test_what_was_written_holds(world):
    _write(world)
    verdict = verify(world)
    assert (verdict.sound, verdict.entries) == (True, 5)


def test_several_deeds_of_one_transaction_stand_in_their_order(world):
    with world.begin() as session:
        for word in ("one", "two", "three"):
            note(world, session, "li.na", Deed.PRINT, word)
    with world.reading() as session:
        rows = session.execute(text("SELECT seq, subject FROM audit_log ORDER BY seq")).all()
    assert [tuple(row) for row in rows] == [(1, "one"), (2, "two"), (3, "three")]
    assert verify(world).sound


def test_a_deed_that_was_rolled_back_leaves_no_trace(world):
    with pytest.raises(RuntimeError), world.begin() as session:
        note(world, session, "li.na", Deed.PRINT, "never")
        raise RuntimeError
    assert verify(world).entries == 0


def test_the_database_refuses_to_change_or_delete_an_entry(world):
    _write(world)
    for statement in ("UPDATE audit_log SET by = 'x'", "DELETE FROM audit_log WHERE seq = 2"):
        with pytest.raises(DBAPIError, match="append-only"), world.begin() as session:
            session.execute(text(statement))
    assert verify(world).sound


@pytest.mark.parametrize("statement", ["TRUNCATE audit_log CASCADE", "TRUNCATE audit_head", "DELETE FROM audit_head"])
def test_the_database_refuses_to_empty_the_log_or_to_take_its_head(world, statement):
    """TRUNCATE fires no trigger for rows: the whole log was gone, and `verify` called it sound."""
    _write(world)
    with pytest.raises(DBAPIError, match="append-only"), world.begin() as session:
        session.execute(text(statement))
    assert verify(world).entries == 5


def test_a_log_without_an_entry_beside_accounts_is_a_fault(world):
    assert verify(world).sound  # nobody has done anything yet
    add_member(world, "li.na", "李娜", Role.WINDOW, None, "test")
    _tamper(world, "TRUNCATE audit_log CASCADE")
    assert verify(world).faults == (audit.EMPTIED,)
    with world.reading() as session:
        assert [one.words for one in [_log_stands(session)] if one.level is Level.ERROR] == [audit.EMPTIED]


def test_the_head_leaves_the_database_by_itself(world):
    """Cut off together with its end a log looks whole, unless its head was written down elsewhere."""
    _write(world)
    with world.reading() as session:
        assert verify(world, head_of(session)).sound
        assert head_of(session) in _log_stands(session).words
    leave_standing(world)
    with capture_logs() as lines:
        run_due(world, FORGET)
    assert [line["head"] for line in lines if line["event"] == "audit.head"] == [verify(world).head]


def test_erasing_a_detail_keeps_the_chain(world):
    _write(world)
    with world.begin() as session:
        session.execute(text("UPDATE audit_log SET detail = NULL WHERE seq = 3"))
    assert verify(world).sound


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE audit_log SET by = 'somebody' WHERE seq = 3", "第 3 条被改动过"),
        ("UPDATE audit_log SET at = at + interval '1 second' WHERE seq = 3", "第 3 条被改动过"),
        ("UPDATE audit_log SET subject = 'case:9' WHERE seq = 3", "第 3 条被改动过"),
        ("UPDATE audit_log SET detail = '\\x00' WHERE seq = 3", "第 3 条的详情被改动过"),
        ("DELETE FROM audit_log WHERE seq = 3", "第 3 条至第 3 条不见了"),
        ("DELETE FROM audit_log WHERE seq = 1", "第 1 条至第 1 条不见了"),
        ("DELETE FROM audit_log WHERE seq = 5", "链尾不符"),
        ("UPDATE audit_head SET seq = 4", "链尾不符"),
        ("UPDATE audit_log SET seq = CASE seq WHEN 2 THEN 102 ELSE 2 END WHERE seq IN (2, 3)", "不见了"),
    ],
)
def test_tampering_is_found(world, statement, found):
    _write(world)
    _tamper(world, statement)
    verdict = verify(world)
    assert any(found in fault for fault in verdict.faults), verdict.faults


def test_a_log_cut_short_together_with_its_head_is_missed_against_an_anchor(world):
    _write(world, 3)
    with world.reading() as session:
        earlier = session.execute(text("SELECT entry_id, seq, digest FROM audit_head")).one()
    _write(world, 2)
    anchor = verify(world).head
    with world.begin() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text("DELETE FROM audit_log WHERE seq > 3"))
        values = {"entry": earlier.entry_id, "seq": earlier.seq, "digest": earlier.digest}
        session.execute(text("UPDATE audit_head SET entry_id = :entry, seq = :seq, digest = :digest"), values)
    assert verify(world).sound  # nothing inside tells of it
    assert any("截短" in fault for fault in verify(world, anchor).faults)


def test_two_who_write_at_once_make_one_chain(world):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: _write(world, 5), range(4)))
    verdict = verify(world)
    assert (verdict.sound, verdict.entries) == (True, 20)


def test_every_deed_has_its_word():
    assert set(audit.DEEDS) == set(Deed)
