"""Keys are changed while the service runs: everything opens at every moment; at last the old key is not needed."""

import os
import secrets
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from dispatch import audit, bells
from dispatch.approval.issue import Paper, register_paper
from dispatch.approval.lodge import lodge
from dispatch.approval.paper_back import take_paper_back
from dispatch.approval.release import hold
from dispatch.db import Base, connect, sessions
from dispatch.errors import ConflictError
from dispatch.key_mark import check_key, key_matches, mark_of
from dispatch.personal import rotate as rotation
from dispatch.personal.columns import PLAIN, sealed_tables
from dispatch.personal.rotate import left_under_old_keys, rotate, usage
from dispatch.reveal import log_reveal
from dispatch.settings import Settings
from dispatch.vault import SM4, Vault, VaultError, key_id
from dispatch.wiring import KEY_FILE, broker_url
from zhuandi.backup_file import BackupError
from zhuandi.backup_file import verify as verify_backup
from zhuandi.dump import back_up
from zhuandi.main import app

OLD, NEW = secrets.token_bytes(32), secrets.token_bytes(32)


@pytest.fixture
def lived(post, drain, decided):
    """A service that has sealed something in many columns under its first key."""
    world = check_key(replace(post.world, vault=Vault((OLD,))))
    for number in range(4):
        lodge(world, decided(f"33112720261122000{number}"), "test")
    lodge(world, decided("331127202611220009", paper_ready=False), "test")
    hold(world, "331127202611220009", "待签字", "clerk")
    for giver in ("李科员", "王科员"):  # registered, taken back, and registered again
        register_paper(world, "331127202611220009", Paper(giver), "clerk")
        take_paper_back(world, "331127202611220009", "clerk", "拿错了办件")
    log_reveal(world, "case:x", "clerk", "蓝小雨来电")
    drain(world)
    return world


def under(world, *keys, **more):
    """The same service after its settings were changed, as it starts."""
    return check_key(replace(world, vault=Vault(keys, **more)))


def everything(world):
    """All that is sealed, opened: column by column."""
    found = {}
    with world.reading() as session:
        for table in sealed_tables():
            for row in session.execute(table.table.select()):
                for column in table.columns:
                    place = SimpleNamespace(__tablename__=table.name, id=row.id, **{column: getattr(row, column)})
                    found[table.name, column, row.id] = world.vault.open(place, column)
    return found


def test_every_column_of_bytes_is_sealed_or_a_digest():
    """A column that nobody lists is taken for sealed: it would not open in the test of everything that is stored."""
    for table in sealed_tables():
        assert "id" in table.table.c, table.name
    assert {name for one in sealed_tables() for name in (one.name,)} >= {"cases", "slips", "reveals", "audit_log"}
    assert {f"{table.name}.{column.name}" for table in Base.metadata.tables.values() for column in table.c} >= PLAIN


def test_what_the_columns_are_called_is_what_they_hold(lived):
    """Whatever lies in a sealed column opens, and nothing that opens lies in a column that is called a digest."""
    assert len({key[:2] for key in everything(lived)}) > 10
    names = set(lived.vault.names)
    sealed = {(table.name, column) for table in sealed_tables() for column in table.columns}
    with lived.reading() as session:
        for table in Base.metadata.tables.values():
            for column in table.columns:
                if column.type.python_type is bytes and (table.name, column.name) not in sealed:
                    held = session.scalars(column.table.select().with_only_columns(column))
                    assert not [value for value in held if value and bytes(value[:8]) in names], column


def test_after_a_rotation_the_old_key_is_not_needed_and_nothing_has_changed(lived):
    before = everything(lived)
    digest = lived.vault.digest("order", "x")
    both = under(lived, NEW, OLD)
    done = rotate(both, "admin")
    assert (done.left, done.unopened, done.resealed > 10) == (0, (), True)
    alone = under(lived, NEW)
    after = everything(alone)
    assert {key: after[key] for key in before} == before
    assert alone.vault.digest("order", "x") == digest
    assert audit.verify(alone).sound
    with pytest.raises(VaultError):
        under(lived, OLD)


def test_the_same_case_is_known_again_after_the_old_key_is_gone(lived, decided):
    rotate(under(lived, NEW, OLD), "admin")
    alone = under(lived, NEW)
    assert lodge(alone, decided("331127202611220001"), "test").outcome == "repeated"
    with pytest.raises(ConflictError):
        lodge(alone, decided("331127202611220001", department="县人社局"), "test")


def test_before_the_rotation_the_database_is_refused_without_its_old_key(lived):
    with pytest.raises(VaultError, match="另一把密钥"):
        under(lived, NEW)
    with lived.reading() as session:
        assert key_matches(session, Vault((NEW,))) is False
        assert key_matches(session, Vault((NEW, OLD))) is True


def test_while_anything_is_left_the_old_key_is_demanded(lived):
    """Whoever takes it out too early is told at the start, and loses nothing."""
    both = under(lived, NEW, OLD)
    with both.begin() as session:
        session.execute(text("UPDATE slips SET phone = :spoilt"), {"spoilt": key_id(OLD) + bytes(40)})
    done = rotate(both, "admin")
    assert (done.left, {place.split()[0] for place in done.unopened}) == (6, {"slips.phone"})
    with pytest.raises(VaultError, match="另一把密钥"):
        under(lived, NEW)
    assert under(lived, NEW, OLD).vault.digest("a") == lived.vault.digest("a")


def test_a_database_of_before_finds_the_key_that_its_digests_hang_on(lived):
    with lived.begin() as session:
        session.execute(text("DELETE FROM digest_keys"))
    for keys in ((NEW, OLD), (OLD, NEW)):
        assert under(lived, *keys).vault.digest("a") == lived.vault.digest("a")


def test_another_cipher_is_a_rotation_too(lived):
    before = everything(lived)
    sm4 = under(lived, OLD, cipher=SM4)
    assert rotate(sm4, "admin").left == 0
    assert {use.key for use in usage(sm4)} == {f"{key_id(OLD).hex()} {SM4}"}
    after = everything(sm4)
    assert {key: after[key] for key in before} == before
    assert audit.verify(sm4).sound


def test_what_is_written_meanwhile_stays_as_it_was_written(lived, decided, drain, monkeypatch):
    """Writers under the old key and the new in the middle of it: nothing is lost, and a second run finds the rest."""
    monkeypatch.setattr(rotation, "BATCH", 1)
    both, stop = under(lived, NEW, OLD), threading.Event()

    def write():
        number = 0
        while not stop.is_set() and number < 40:
            for world in (lived_knowing_both, both):
                number += 1
                lodge(world, decided(f"3311272026112300{number:02}"), "test")

    lived_knowing_both = under(lived, OLD, NEW)
    writer = threading.Thread(target=write)
    writer.start()
    rotate(both, "admin")
    stop.set()
    writer.join()
    drain(both)
    assert rotate(both, "admin").left == 0
    opened = everything(under(lived, NEW))
    assert set(opened.values()) >= {"蓝小雨来电"}
    assert audit.verify(both).sound


def test_a_row_that_somebody_holds_is_waited_for_and_their_word_stands(lived):
    both, held, let_go = under(lived, NEW, OLD), threading.Event(), threading.Event()

    def hold_one():
        with both.begin() as session:
            slip = session.execute(text("SELECT id FROM slips ORDER BY id LIMIT 1 FOR UPDATE")).one()
            held.set()
            let_go.wait(30)
            place = SimpleNamespace(__tablename__="slips", id=slip.id)
            both.vault.seal(place, "phone", "13900009999")
            session.execute(text("UPDATE slips SET phone = :p WHERE id = :id"), {"p": place.phone, "id": slip.id})

    holder = threading.Thread(target=hold_one)
    holder.start()
    assert held.wait(30)
    passed = []
    rotate(both, "admin", lambda table, _: (passed.append(table), let_go.set() if table == "staff" else None))
    holder.join()
    assert passed.count("slips") == 2  # first passed over, then waited for
    opened = everything(under(lived, NEW))
    assert [value for (table, column, _), value in opened.items() if (table, column) == ("slips", "phone")].count(
        "13900009999"
    ) == 1


DIES = """
import os, signal, sys
from dispatch.db import connect, sessions
from dispatch.key_mark import check_key
from dispatch.personal import rotate as rotation
from dispatch.settings import Settings
from dispatch.vault import Vault
from dispatch.wiring import now
from dispatch.world import World
old, new = map(bytes.fromhex, sys.argv[2:4])
made = World(Settings(), sessions(connect(sys.argv[1])), Vault((new, old)), {}, {}, None, None, now)
rotation.BATCH, left = 1, [int(sys.argv[4])]
sealed = rotation._seal_anew
def dying(*told):
    done = sealed(*told)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return done
rotation._seal_anew = dying
rotation.rotate(check_key(made), "admin")
"""


def test_killed_in_the_middle_everything_opens_and_run_again_it_goes_on(lived, database_url):
    before = everything(lived)
    told = [sys.executable, "-c", DIES, database_url, OLD.hex(), NEW.hex(), "9"]
    assert subprocess.run(told, env=os.environ).returncode == -signal.SIGKILL
    both = under(lived, NEW, OLD)
    keys = {use.key.split()[0] for use in usage(both)}
    assert keys == {key_id(OLD).hex(), key_id(NEW).hex()}
    after = everything(both)
    assert {key: after[key] for key in before} == before
    left = left_under_old_keys(usage(both))
    done = rotate(both, "admin")
    assert (done.left, 0 < done.resealed <= left) == (0, True)


def test_the_audit_log_lets_a_detail_be_sealed_anew_and_nothing_else(lived):
    """Not by accident either: only who says that it seals anew may replace one, and only what stands there."""
    detail = "UPDATE audit_log SET detail = overlay(detail PLACING '\\x00'::bytea FROM 1)"
    said = "SELECT set_config('zhuandi.resealing', 'on', true)"
    for statements in (
        (detail,),
        (said, "UPDATE audit_log SET detail = '\\x00'"),
        (said, "UPDATE audit_log SET detail = detail, by = 'x'"),
        (said, "DELETE FROM audit_log"),
    ):
        with pytest.raises(DBAPIError, match="append-only"), lived.begin() as session:
            for statement in statements:
                session.execute(text(statement))
    with lived.begin() as session:
        session.execute(text(said))
        session.execute(text(detail))
    assert not audit.verify(lived).sound  # and whoever does it falsely is found by the chain


def test_a_backup_of_after_opens_without_the_old_key_and_one_of_before_wants_it(lived, tmp_path):
    engine = lived.sessions.kw["bind"]
    before = back_up(engine, Vault((OLD,)), tmp_path / "before.zip")
    rotate(under(lived, NEW, OLD), "admin")
    after = back_up(engine, Vault((NEW,)), tmp_path / "after.zip")
    assert verify_backup(after, Vault((NEW,))).key_mark == mark_of(lived.vault).hex()
    with pytest.raises(BackupError, match="另一把密钥"):
        verify_backup(before, Vault((NEW,)))
    assert verify_backup(before, Vault((NEW, OLD)))


def test_two_processes_that_start_at_once_keep_one_digest_key(world):
    engine = connect(str(world.sessions.kw["bind"].url.render_as_string(hide_password=False)))
    one, other = (replace(world, vault=Vault((OLD,)), sessions=sessions(engine)) for _ in range(2))
    started = [threading.Thread(target=check_key, args=(each,)) for each in (one, other)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    with one.reading() as session:
        assert session.execute(text("SELECT count(*) FROM digest_keys")).scalar_one() == 1
    engine.dispose()


def test_as_a_person_does_it_on_the_command_line(database_url, tmp_path, monkeypatch):
    """New key, everything sealed anew, the old line deleted; the old line alone is refused."""
    monkeypatch.setenv("ZHUANDI_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "140")
    bells.prepare(broker_url(Settings()))

    def run(*words):
        done = CliRunner().invoke(app, words)
        return done.exit_code, done.output

    assert run("keys")[0] == 0
    assert "最前" in run("keys", "new")[1]
    assert "还不能取出" in run("keys")[1]
    code, said = run("keys", "rotate")
    assert (code, "可以从" in said) == (0, True), said
    new, old = (tmp_path / KEY_FILE).read_text().split()
    (tmp_path / KEY_FILE).write_text(new)
    assert run("keys")[0] == 0
    (tmp_path / KEY_FILE).write_text(old)
    refused = run("keys")
    assert (refused[0], "另一把密钥" in refused[1]) == (1, True), refused
