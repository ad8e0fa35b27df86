"""Accounts to practise with: made once, written where the demo's links are, never in the live profile."""

import dataclasses
import stat

import pytest

from dispatch.errors import NotAllowedError
from dispatch.staff.member import change_password, members
from dispatch.staff.role import Role
from dispatch.staff.sign_in import sign_in
from zhuandi.practice_staff import URLS, kept_accounts, make_staff, write_urls


def test_the_first_start_makes_an_account_for_each_role_and_leaves_its_password_for_the_owner_alone(world, tmp_path):
    made = make_staff(world, tmp_path)
    assert {one.login for one in made} == {role.value for role in Role}
    lines = (tmp_path / URLS).read_text().splitlines()
    assert lines == [f"{world.settings.public_url}/console\t{one.login}\t{one.password}" for one in made]
    assert stat.S_IMODE((tmp_path / URLS).stat().st_mode) == 0o600
    came = sign_in(world, made[0].login, made[0].password)
    assert came.must_change, "the password that stands in a file is only the first"


def test_a_later_start_changes_nothing(world, tmp_path):
    make_staff(world, tmp_path)
    change_password(world, "dispatch", "evergreen-harbour-42")
    before = (tmp_path / URLS).read_text()
    assert make_staff(world, tmp_path) == []
    assert (tmp_path / URLS).read_text() == before
    assert not sign_in(world, "dispatch", "evergreen-harbour-42").must_change


def test_the_links_of_the_demo_are_written_below_the_accounts(world, tmp_path):
    make_staff(world, tmp_path)
    for _ in range(2):  # the demo is run again
        write_urls(tmp_path, [*kept_accounts(tmp_path), "http://127.0.0.1:8080/t/abc\t1100000000001\t送达闭环"])
    lines = (tmp_path / URLS).read_text().splitlines()
    assert len(lines) == len(Role) + 1
    assert lines[-1].startswith("http://127.0.0.1:8080/t/abc")


def test_a_live_house_gets_no_account_to_practise_with(world, tmp_path):
    live = dataclasses.replace(world, settings=world.settings.model_copy(update={"profile": "live"}))
    with pytest.raises(NotAllowedError, match="zhuandi admin add"):
        make_staff(live, tmp_path)
    with world.reading() as session:
        assert members(session) == []
    assert not (tmp_path / URLS).exists()
