"""Keys of client systems: shown once, each opens what it was made for, and is changed without a gap."""

import dataclasses
import re
from datetime import timedelta

import pytest
from sqlalchemy import text, update

from dispatch.client import (
    Client,
    ClientKey,
    ClientScope,
    add_client,
    change_scopes,
    clients,
    close_client,
    find_client,
    revoke_key,
    rotate_key,
)
from dispatch.db import connect
from dispatch.errors import ConflictError, NotAllowedError, NotFoundError
from dispatch.staff.role import Role
from zhuandi import migrate

WEEK = timedelta(days=7)


def _opens(world, key):
    with world.reading() as session:
        return find_client(session, key, world.now()) is not None


def _keys(world, name="审批"):
    with world.reading() as session:
        return next(one.keys for one in clients(session) if one.client.name == name)


def _later(world, wait):
    return dataclasses.replace(world, now=lambda: world.now() + wait)


def test_who_changes_what_a_system_may_second_is_told_who_was_first(world, person):
    """A scope that one administrator had just taken away came back with the other's older page."""
    boss = person(Role.ADMINISTRATOR)
    add_client(world, "大屏")
    shown = re.search(r'name="shown" value="(\w+)"', boss.get("/console/clients").text)[1]
    change_scopes(world, "大屏", [ClientScope.FOLLOW], "zheng")
    told = {"name": "大屏", "scope": [ClientScope.LODGE, ClientScope.FOLLOW], "shown": shown}
    late = boss.post("/console/clients/scopes", told)
    assert (late.status_code, "zheng 于" in late.text, "改为 查办件进展" in late.text) == (409, True, True)
    with world.reading() as session:
        assert clients(session)[0].client.scopes == [ClientScope.FOLLOW]


def test_a_key_with_the_wrong_scope_is_told_what_it_lacks(world, site):
    key = {"Authorization": f"Bearer {add_client(world, '大屏', [ClientScope.FOLLOW])}"}
    refused = site.post("/api/v1/cases", json={}, headers=key)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "wrong_scope")
    assert "送交办件" in refused.json()["error"]["words"]
    assert site.get("/by-hand/errands", headers=key).status_code == 403
    assert site.get("/api/v1/cases/X1", headers=key).status_code == 404


def test_a_wider_scope_holds_for_the_key_that_is_there(world, site):
    key = {"Authorization": f"Bearer {add_client(world, '大屏', [ClientScope.FOLLOW])}"}
    change_scopes(world, "大屏", [ClientScope.FOLLOW, ClientScope.LODGE], "test")
    assert site.post("/api/v1/cases", json={}, headers=key).status_code == 422


def test_the_old_key_opens_beside_the_new_one_until_its_time_is_over(world):
    old = add_client(world, "审批")
    new = rotate_key(world, "审批", WEEK, "test")
    assert _opens(world, old)
    assert _opens(world, new)
    after = _later(world, WEEK + timedelta(seconds=1))
    assert not _opens(after, old)
    assert _opens(after, new)


def test_a_second_change_does_not_lengthen_the_time_of_the_first_key(world):
    old = add_client(world, "审批")
    rotate_key(world, "审批", timedelta(days=1), "test")
    rotate_key(world, "审批", WEEK, "test")
    assert not _opens(_later(world, timedelta(days=2)), old)


def test_an_overlap_must_end(world):
    add_client(world, "审批")
    with pytest.raises(NotAllowedError, match="最多"):
        rotate_key(world, "审批", timedelta(days=3650), "test")


def test_a_revoked_key_opens_nothing_and_the_other_goes_on(world):
    old = add_client(world, "审批")
    new = rotate_key(world, "审批", WEEK, "test")
    revoke_key(world, "审批", _keys(world)[1].id, "test")
    assert (_opens(world, old), _opens(world, new)) == (False, True)


def test_a_key_of_another_system_cannot_be_revoked_under_this_name(world):
    add_client(world, "审批")
    kept = add_client(world, "大屏")
    with pytest.raises(NotFoundError, match="没有这把密钥"):
        revoke_key(world, "审批", _keys(world, "大屏")[0].id, "test")
    assert _opens(world, kept)


def test_a_closed_system_is_out_with_every_key_and_gets_no_new_one(world):
    key = add_client(world, "审批")
    close_client(world, "审批", "test")
    assert not _opens(world, key)
    with pytest.raises(NotAllowedError, match="已停用"):
        rotate_key(world, "审批", WEEK, "test")


def test_two_systems_of_one_name_or_one_without_a_right_are_refused(world):
    add_client(world, "审批")
    with pytest.raises(ConflictError):
        add_client(world, "审批")
    with pytest.raises(NotAllowedError, match="权限"):
        add_client(world, "大屏", [])


def test_no_key_stands_in_the_database(world):
    key = add_client(world, "审批")
    with world.reading() as session:
        rows = str(session.execute(text("SELECT clients.*, client_keys.* FROM clients, client_keys")).all())
    assert key not in rows
    assert key[7:] not in rows


def _made_by_old_code(world):
    """As the version before wrote it: the key in the client's own row, and nothing else."""
    key = add_client(world, "审批")
    with world.begin() as session:
        digest = session.query(ClientKey).one().digest
        session.query(ClientKey).delete()
        session.execute(update(Client).values(key_digest=digest, scopes=None))
    return key


def test_a_key_that_an_older_version_made_opens_everything_and_can_be_changed(world):
    old = _made_by_old_code(world)
    assert _opens(world, old)
    rotate_key(world, "审批", WEEK, "test")
    assert _opens(world, old)
    assert not _opens(_later(world, WEEK + timedelta(seconds=1)), old)
    revoke_key(world, "审批", _keys(world)[1].id, "test")
    assert not _opens(world, old)


def test_keys_from_before_the_migration_still_open(own_database_url):
    """The migration gives each old key its row: nobody's approval system stops at an upgrade."""
    engine = connect(own_database_url)
    migrate.run(engine, "base")
    migrate.run(engine, "0009")
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO clients (id, name, key_digest, created_at)"
                " VALUES (gen_random_uuid(), '审批', sha256('zd_old'), now())"
            )
        )
    migrate.run(engine)
    with engine.connect() as connection:
        told = connection.execute(text("SELECT scopes, digest = sha256('zd_old') FROM clients, client_keys")).one()
    assert tuple(told) == (["cases.write", "cases.read", "errands"], True)
    engine.dispose()
