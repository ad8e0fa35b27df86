"""A backup is whole or it is none; restored, the database waits until it is reconciled."""

import itertools
import json
import os
import re
import secrets
import threading
import zipfile
from dataclasses import replace
from datetime import timedelta
from time import time

import pytest
from sqlalchemy import Text, cast, create_engine, literal_column, make_url, select, table, text

from dispatch.approval.lodge import lodge
from dispatch.db import Base, connect, sessions
from dispatch.errors import NotAllowedError, ZhuandiError
from dispatch.jobs import Beat
from dispatch.key_mark import check_key
from dispatch.reconcile.cluster import cluster_of, notice_cluster
from dispatch.reconcile.left import left
from dispatch.tables import REVISION
from dispatch.vault import Vault
from tests.engines.servers import wait_until
from workers.clock import run_clock
from zhuandi import dump
from zhuandi.backup_file import BackupError, open_keys, verify
from zhuandi.dump import OURS, back_up, rotate
from zhuandi.migrate import run
from zhuandi.restore import restore

KEYS = (secrets.token_bytes(32),)


@pytest.fixture
def lived(post, drain, decided, tmp_path):
    """A service that has a case, an account of its own key, and jobs that are open; its engine and a backup of it."""
    world = replace(post.world, vault=Vault(KEYS))
    lodge(world, decided(), "test")
    drain(world)
    notice_cluster(world)
    engine = world.sessions.kw["bind"]
    return world, engine, back_up(engine, world.vault, tmp_path)


@pytest.fixture
def empty_engine(own_database_url):
    engine = connect(own_database_url)
    yield engine
    engine.dispose()


def rows(engine):
    """Every row of every table, as text: what two databases have to compare."""
    with engine.connect() as connection:
        return {name: _rows(connection, name) for name in Base.metadata.tables}


def _rows(connection, name):
    whole = select(cast(literal_column(f'"{name}"'), Text)).select_from(table(name))
    return sorted(connection.scalars(whole))


def rewritten(path, name, change, target):
    """The same file with one part changed."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.namelist():
            raw = old.read(member)
            new.writestr(member, change(raw) if member == name else raw)
    return target


def test_what_is_restored_is_what_was_there_but_for_the_mode(lived, empty_engine):
    _, engine, path = lived
    restore(empty_engine, Vault(KEYS), path, "clerk")
    before, after = rows(engine), rows(empty_engine)
    assert len(after["restores"]) == 1
    assert len(after["jobs"]) == len(before["jobs"]) + 1  # to look through everything
    changed = {"restores", "jobs", "shipments"}
    assert {name: found for name, found in after.items() if name not in changed} == {
        name: found for name, found in before.items() if name not in changed
    }
    assert len(before["cases"]) == len(before["shipments"]) == len(after["shipments"]) == 1


def test_a_restored_database_is_in_the_mode_from_its_first_moment(lived, empty_engine):
    world, _, path = lived
    restore(empty_engine, world.vault, path, "clerk")
    found = left(replace(world, sessions=sessions(empty_engine)))
    assert (found.how, found.nothing) == ("backup", False)
    assert found.backup_taken_at < found.restored_at


def test_the_backup_is_of_one_moment_although_the_service_writes_on(lived, decided, tmp_path, monkeypatch):
    world, engine, _ = lived
    copy_out, count = dump._copy_out, itertools.count()

    def writing_on(connection, file, table):
        lodge(world, decided(f"3311272026112299{next(count):02}"), "test")
        return copy_out(connection, file, table)

    monkeypatch.setattr(dump, "_copy_out", writing_on)
    manifest = verify(back_up(engine, world.vault, tmp_path / "moment.zip"), world.vault)
    counted = {part.table: part.rows for part in manifest.parts}
    assert (counted["cases"], counted["documents"], counted["slips"]) == (1, 1, 1)


def test_a_database_that_is_not_empty_is_not_touched_unless_told_and_then_kept_first(lived, empty_engine, tmp_path):
    world, _, path = lived
    restore(empty_engine, world.vault, path, "clerk")
    with pytest.raises(BackupError, match="不是空的"):
        restore(empty_engine, world.vault, path, "clerk")
    restore(empty_engine, world.vault, path, "clerk", keep_in=tmp_path / "kept")
    [kept] = (tmp_path / "kept").iterdir()
    counted = {part.table: part.rows for part in verify(kept, world.vault).parts}
    assert (counted["cases"], counted["restores"]) == (1, 1)
    assert len(rows(empty_engine)["restores"]) == 1


def test_what_was_begun_under_another_key_is_kept_with_both_and_replaced_by_what_needs_the_old_one_alone(
    lived, empty_engine, decided, tmp_path
):
    """A new machine made its own key before the old one was put back: it was told to put the old one back."""
    world, _, path = lived
    new = (secrets.token_bytes(32),)
    begun = check_key(replace(world, sessions=sessions(empty_engine), vault=Vault(new)))
    lodge(begun, decided(), "test")
    empty_engine.dispose()
    before = rows(empty_engine)
    empty_engine.dispose()
    with pytest.raises(BackupError, match=r"两把都列进 vault.key.*第一行"):
        restore(empty_engine, Vault(KEYS), path, "clerk", keep_in=tmp_path / "kept")
    assert rows(empty_engine) == before
    empty_engine.dispose()
    restore(empty_engine, Vault(KEYS + new), path, "clerk", keep_in=tmp_path / "kept")
    assert check_key(replace(world, sessions=sessions(empty_engine), vault=Vault(KEYS)))
    [kept] = (tmp_path / "kept").iterdir()
    counted = {part.table: part.rows for part in verify(kept, Vault(KEYS + new)).parts}
    assert counted["cases"] == 1


def test_nobody_may_be_at_work_on_a_database_that_is_restored(lived, empty_engine):
    world, _, path = lived
    other = create_engine(empty_engine.url)
    with other.connect() as connection:
        connection.execute(text("SELECT 1"))
        with pytest.raises(BackupError, match="还有程序连着"):
            restore(empty_engine, world.vault, path, "clerk")
    other.dispose()
    restore(empty_engine, world.vault, path, "clerk")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_torn_backup_is_refused_and_the_database_stays_as_it_is(lived, empty_engine, tmp_path, share):
    world, _, path = lived
    whole = path.read_bytes()
    torn = tmp_path / "torn.zip"
    torn.write_bytes(whole[: int(len(whole) * share)])
    before = rows(empty_engine)
    with pytest.raises(BackupError, match="不完整"):
        restore(empty_engine, world.vault, torn, "clerk")
    assert rows(empty_engine) == before


def test_a_backup_of_which_one_byte_was_changed_is_refused(lived, empty_engine, tmp_path):
    world, _, path = lived
    other_way = rewritten(
        path, "tables/cases.copy", lambda raw: raw.replace(b"person", b"nobody"), tmp_path / "a.zip"
    )
    with pytest.raises(BackupError, match="cases 的内容与清单不符"):
        restore(empty_engine, world.vault, other_way, "clerk")

    def with_other_sum(raw):
        told = json.loads(raw)
        told["parts"][0]["rows"] = 7
        return json.dumps(told).encode()

    other_list = rewritten(path, "manifest.json", with_other_sum, tmp_path / "b.zip")
    with pytest.raises(BackupError, match="清单被改动过"):
        restore(empty_engine, world.vault, other_list, "clerk")


def test_under_another_key_or_without_an_older_one_nothing_is_restored(lived, empty_engine, tmp_path):
    world, engine, path = lived
    with pytest.raises(BackupError, match="另一把密钥"):
        restore(empty_engine, Vault((secrets.token_bytes(32),)), path, "clerk")
    rotated = Vault((secrets.token_bytes(32), *KEYS))
    of_two = back_up(engine, rotated, tmp_path / "two.zip")
    with pytest.raises(BackupError, match="另一把密钥"):
        restore(empty_engine, world.vault, of_two, "clerk")
    restore(empty_engine, rotated, path, "clerk")


def test_a_newer_schema_than_the_codes_is_refused_in_words(lived, empty_engine, tmp_path):
    world, _, path = lived
    newer = tmp_path / "newer.zip"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(newer, "w") as new:
        told = old.read("manifest.json").decode().replace(f'"revision": "{REVISION}"', '"revision": "9999"')
        for member in set(old.namelist()) - {"manifest.json", "manifest.seal"}:
            new.writestr(member, old.read(member))
        new.writestr("manifest.json", told)
        new.writestr("manifest.seal", world.vault.digest("backup", told).hex())
    with pytest.raises(BackupError, match="比本程序新"):
        restore(empty_engine, world.vault, newer, "clerk")


def test_the_backup_of_an_older_schema_is_brought_up_to_this_ones(lived, empty_engine, tmp_path, server_url):
    """Made by the code of 0006: no restores, no columns of 0007."""
    world, _, _ = lived
    name = f"test_old_{secrets.token_hex(4)}"
    admin = create_engine(server_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    older = connect(make_url(server_url).set(database=name).render_as_string(hide_password=False))
    try:
        run(older, "0006")
        with older.begin() as connection:
            connection.execute(text("INSERT INTO matters (id, number) VALUES (gen_random_uuid(), 'of 0006')"))
        path = back_up(older, world.vault, tmp_path / "older.zip")
    finally:
        older.dispose()
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()
    restore(empty_engine, world.vault, path, "clerk")
    found = rows(empty_engine)
    assert [("of 0006" in row) for row in found["matters"]] == [True]
    assert len(found["restores"]) == 1


def test_a_backup_that_fails_half_way_leaves_no_file_of_that_name(lived, tmp_path, monkeypatch):
    world, engine, _ = lived

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(dump, "write_manifest", full)
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(OSError, match="No space left"):
        back_up(engine, world.vault, folder)
    assert list(folder.iterdir()) == []


def test_of_a_folder_the_latest_stay_and_nothing_else_is_touched(lived, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for day in (21, 22, 23, 24):
        (folder / f"zhuandi-202611{day}T010000Z.zip").touch()
    (folder / "zhuandi-notes.zip").touch()
    assert len(rotate(folder, 2)) == 2
    assert sorted(path.name for path in folder.iterdir()) == [
        "zhuandi-20261123T010000Z.zip",
        "zhuandi-20261124T010000Z.zip",
        "zhuandi-notes.zip",
    ]


def test_the_file_is_named_for_the_databases_time_and_is_its_owners_alone(lived):
    _, _, path = lived
    assert OURS.fullmatch(path.name)
    assert path.stat().st_mode & 0o077 == 0


def test_neither_the_key_nor_any_name_lies_open_in_the_file(lived, tmp_path):
    world, engine, path = lived
    with_key = back_up(engine, world.vault, tmp_path / "with-key.zip", KEYS, "十二个字以上的口令才行哦")
    for made in (path, with_key):
        with zipfile.ZipFile(made) as file:
            inside = b"".join(file.read(name) for name in file.namelist())
        assert KEYS[0].hex().encode() not in inside
        assert not re.search("蓝小雨|13900000001|团结西路".encode(), inside)
    assert open_keys(with_key, "十二个字以上的口令才行哦") == KEYS[0].hex()
    with pytest.raises(BackupError, match="口令不对"):
        open_keys(with_key, "十二个字以上的口令才行呀")
    with pytest.raises(BackupError, match="没有密钥"):
        open_keys(path, "十二个字以上的口令才行哦")


def test_another_cluster_under_our_address_is_noticed_once_and_holds_everything_back(lived):
    """pg_basebackup with recovery, a promoted standby, a dump put elsewhere: the mark says what was here before."""
    world, _, _ = lived
    assert (notice_cluster(world), left(world)) == (False, None)
    with world.begin() as session:
        session.execute(text("UPDATE key_marks SET mark = '7000000000000000000:1' WHERE name = 'cluster'"))
    assert notice_cluster(world)
    assert left(world).how == "detected"
    assert not notice_cluster(world)


def test_it_is_noticed_by_a_clock_that_nobody_interrupts(lived):
    """A pool connects anew without a word, and behind a pooler nothing breaks at all."""
    world, _, _ = lived
    told = threading.Event()
    clock = threading.Thread(target=run_clock, args=(replace(world, settings=hurried(world.settings)), told))
    clock.start()
    try:
        wait_until(lambda: heard(world, "clock"), "the clock to tick", 30)
        with world.begin() as session:
            session.execute(text("UPDATE key_marks SET mark = mark || '9' WHERE name = 'cluster'"))
        wait_until(lambda: left(world) is not None, "the mode to begin", 30)
    finally:
        told.set()
        clock.join()
    assert left(world).how == "detected"


def hurried(settings):
    """A clock that looks every tenth of a second."""
    return settings.model_copy(update={"clock_rhythm": timedelta(seconds=0.1)})


def heard(world, name):
    """Whether it has ticked."""
    with world.reading() as session:
        return session.get(Beat, name) is not None


def test_the_mark_is_written_as_before_so_an_upgrade_does_not_begin_the_mode(lived):
    """Where no standby was promoted, the file that is written and the last checkpoint say the same timeline."""
    world, _, _ = lived
    before = "SELECT system_identifier || ':' || timeline_id FROM pg_control_system(), pg_control_checkpoint()"
    with world.reading() as session:
        mark = session.scalar(text("SELECT convert_from(mark, 'UTF8') FROM key_marks WHERE name = 'cluster'"))
        assert mark == session.scalar(text(before))


def test_an_ordinary_role_may_ask_which_cluster_it_is_and_where_it_may_not_nothing_is_held_back(lived):
    world, _, _ = lived
    with world.sessions() as session:
        session.execute(text("CREATE ROLE ordinary_role"))
        session.execute(text("SET LOCAL ROLE ordinary_role"))
        assert b":1" in cluster_of(session)
        session.execute(text("RESET ROLE"))
        session.execute(text("REVOKE EXECUTE ON FUNCTION pg_walfile_name FROM PUBLIC"))
        session.execute(text("SET LOCAL ROLE ordinary_role"))
        assert cluster_of(session) is None
        session.rollback()


def test_errors_of_backups_are_words_for_people():
    assert issubclass(BackupError, ZhuandiError)
    assert issubclass(NotAllowedError, ZhuandiError)


def test_what_a_backup_that_was_killed_has_left_goes_with_the_old_ones_and_one_that_is_being_written_stays(tmp_path):
    """It is hidden, as great as a whole copy, and no `--keep` removed it."""
    killed, written = (tmp_path / f".zhuandi-20261124T010000Z.zip.0badcaf{n}.part" for n in "01")
    for draft in (killed, written):
        draft.touch()
    os.utime(killed, (time() - 2 * 86_400,) * 2)
    assert rotate(tmp_path, 2) == [killed]
    assert list(tmp_path.iterdir()) == [written]
