"""Single sign-on with a service that runs as a process of its own: only a token that holds in every respect opens."""

import dataclasses
import html
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx2
import pyotp
import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from dispatch.accounts import OidcClient
from dispatch.audit import Deed
from dispatch.auditing.look import Sought, look_through
from dispatch.console.site import make_site
from dispatch.identity import CALLBACK
from dispatch.oidc.provider import Oidc
from dispatch.posts.line import open_line
from dispatch.staff.bind import bind_subject, unbind_subject
from dispatch.staff.member import add_member, close_member, find_member
from dispatch.staff.role import Role
from dispatch.staff.totp import confirm_code, offer_code, offered
from dispatch.wiring import now
from sandbox.identity import FAULTS
from tests.console.conftest import ORIGIN

SECRET = "a secret: with + signs & all"
COMMAND = [
    *(sys.executable, "-m", "zhuandi", "sandbox-identity", "--client-secret", SECRET),
    *("--person", "zj-1001=李娜", "--person", "zj-2002=王强"),
]
SESSION = "zhuandi_session"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory) -> Iterator[str]:
    """The service; its first word is where it is."""
    env = {**os.environ, "ZHUANDI_HOME": str(tmp_path_factory.mktemp("identity"))}
    with subprocess.Popen(COMMAND, env=env, stdout=subprocess.PIPE, text=True) as service:
        yield service.stdout.readline().strip()
        service.terminate()


def _client(issuer: str, **more: object) -> OidcClient:
    return OidcClient(issuer=issuer, client_id="zhuandi", client_secret=SecretStr(SECRET), **more)


def _with_service(world, client):
    line = open_line(client)
    callback = f"{world.settings.public_url}{CALLBACK}"
    return dataclasses.replace(world, identity=Oidc(client, callback, line, now)), line


@pytest.fixture
def world(world, issuer):
    """Its account for 李娜 is bound to the subject zj-1001."""
    _fault(issuer, "")
    wired, line = _with_service(world, _client(issuer))
    add_member(wired, "li.na", "李娜", Role.DISPATCH, None, "test")
    bind_subject(wired, "li.na", "zj-1001", "test", only=True)
    yield wired
    line.client.close()


def _fault(issuer: str, name: str) -> None:
    httpx2.post(f"{issuer}/faults", json={"fault": name}).raise_for_status()


def _off(browser: TestClient, back: str = "/console/queue/to_pack") -> str:
    """Where the button leads."""
    sent = browser.get("/console/sso", params={"back": back})
    assert sent.status_code == 303, sent.text
    return sent.headers["location"]


def _press(location: str, subject: str = "zj-1001") -> str:
    """The person presses the button at the service; where it sends the browser, at our site."""
    page = httpx2.get(location)
    assert page.status_code == 200, page.text
    form = page.text[: page.text.index("</form>")]
    hidden = {name: html.unescape(value) for name, value in re.findall(r"name='(\w+)' value='([^']*)'>", form)}
    hidden.pop("subject", None)
    sent = httpx2.post(f"{location.partition('/authorize')[0]}/authorize", data={**hidden, "subject": subject})
    assert sent.status_code == 303, sent.text
    back = urlsplit(sent.headers["location"])
    return f"{back.path}?{back.query}"


def test_a_bound_account_comes_in_and_is_where_it_wanted_to_be(site):
    came = site.get(_press(_off(site)))
    assert (came.status_code, came.headers["cache-control"]) == (200, "no-store")
    assert 'content="0;url=/console/queue/to_pack"' in came.text
    assert site.get("/console/queue/to_pack").status_code == 200


def test_the_button_stands_where_there_is_a_service_and_nowhere_else(world, site):
    assert "/console/sso?back=" in site.get("/console/sign-in").text
    with TestClient(make_site(dataclasses.replace(world, identity=None)), follow_redirects=False) as without:
        assert "/console/sso" not in without.get("/console/sign-in").text
        assert without.get("/console/sso").status_code == 404
        assert without.get(CALLBACK).status_code == 404


def test_the_question_carries_a_challenge_a_state_and_a_nonce_of_its_own_each_time(site):
    first, second = (parse_qs(urlsplit(_off(site)).query) for _ in range(2))
    assert first["code_challenge_method"] == ["S256"]
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]


def test_somebody_whom_no_account_is_bound_to_stays_out(world, site):
    refused = site.get(_press(_off(site), "zj-2002"))
    assert refused.status_code == 401
    assert "没有绑定" in refused.text
    assert SESSION not in refused.headers.get("set-cookie", "")
    assert look_through(world, Sought(deed=Deed.SIGN_IN_FAILED)).lines[0].detail == "统一身份认证"


@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - {"hangs", "other_discovery", "plain_endpoint"}))
def test_an_answer_that_proves_nothing_opens_nothing(site, issuer, fault):
    _fault(issuer, fault)
    refused = site.get(_press(_off(site)))
    assert refused.status_code == 401, FAULTS[fault]
    assert SESSION not in refused.headers.get("set-cookie", "")
    assert site.get("/console/queue/to_pack").status_code == 303
    _fault(issuer, "")
    assert site.get(_press(_off(site))).status_code == 200


def test_a_description_that_changes_after_the_question_is_not_believed(site, issuer):
    for fault in ("other_discovery", "plain_endpoint"):
        _fault(issuer, "")
        back = _press(_off(site))
        _fault(issuer, fault)
        assert site.get(back).status_code == 401, FAULTS[fault]


def test_a_service_is_asked_over_https_or_on_this_machine_only():
    with pytest.raises(ValueError, match="https"):
        _client("http://sso.example.gov.cn")
    assert _client("https://sso.example.gov.cn").issuer


def test_a_service_that_describes_another_one_is_not_asked(site, issuer):
    _fault(issuer, "other_discovery")
    assert site.get("/console/sso").status_code == 503


def test_a_service_that_is_silent_or_gone_holds_nobody_up(world, issuer):
    _fault(issuer, "hangs")
    impatient, line = _with_service(world, _client(issuer, answer_seconds=1.0))
    with TestClient(make_site(impatient), follow_redirects=False) as site:
        refused = site.get(_press(_off(site)))
        assert (refused.status_code, "没有答复" in refused.text) == (401, True)
    line.client.close()
    gone, line = _with_service(world, _client("http://127.0.0.1:9"))
    with TestClient(make_site(gone), follow_redirects=False) as site:
        refused = site.get("/console/sso")
        assert (refused.status_code, "没有答复" in refused.text) == (503, True)
    line.client.close()


def test_a_key_that_the_service_changed_is_known_at_once(site, issuer):
    httpx2.post(f"{issuer}/keys/rotate").raise_for_status()
    assert site.get(_press(_off(site))).status_code == 200


def test_another_browser_cannot_bring_the_answer_back(world, site):
    """Login CSRF: a link with somebody else's answer signs nobody in as them."""
    back = _press(_off(site))
    with TestClient(site.app, follow_redirects=False) as other:
        assert other.get(back).status_code == 401
        _off(other)  # even one that has asked a question of its own
        assert other.get(back).status_code == 401


def test_a_code_of_another_browser_s_question_is_worth_nothing(site):
    """Code injection: PKCE and the nonce belong to the browser that asked."""
    code = parse_qs(urlsplit(_press(_off(site))).query)["code"][0]
    with TestClient(site.app, follow_redirects=False) as other:
        back = _press(_off(other))
        mixed = re.sub(r"code=[^&]+", f"code={code}", back)
        assert other.get(mixed).status_code == 401


def test_an_answer_counts_once(site):
    back = _press(_off(site))
    kept = site.cookies.get("zhuandi_sso")
    assert site.get(back).status_code == 200
    site.cookies.clear()
    assert site.get(back).status_code == 401
    site.cookies.set("zhuandi_sso", kept, path="/console/sso")
    assert site.get(back).status_code == 401


def test_what_the_browser_keeps_cannot_be_changed_and_grows_old(world, site):
    back = _press(_off(site))
    kept = site.cookies.get("zhuandi_sso")
    for false in (f"A{kept}", kept[:-1] + ("0" if kept[-1] != "0" else "1"), "", "a.b", "é.é".encode().hex()):
        site.cookies.clear()
        site.cookies.set("zhuandi_sso", false, path="/console/sso")
        assert site.get(back).status_code == 401
    later = dataclasses.replace(world, now=lambda: world.now() + timedelta(minutes=11))
    with TestClient(make_site(later), follow_redirects=False) as old:
        old.cookies.set("zhuandi_sso", kept, path="/console/sso")
        assert old.get(back).status_code == 401


def test_a_session_that_was_planted_is_not_used(site):
    site.cookies.set(SESSION, "planted", path="/console")
    came = site.get(_press(_off(site)))
    assert f"{SESSION}=planted" not in came.headers["set-cookie"]
    assert SESSION in came.headers["set-cookie"]


def test_a_closed_or_unbound_account_stays_out(world, site):
    unbind_subject(world, "li.na", "test")
    assert site.get(_press(_off(site))).status_code == 401
    bind_subject(world, "li.na", "zj-1001", "test", only=True)
    close_member(world, "li.na", "test")
    assert site.get(_press(_off(site))).status_code == 401


def test_an_account_without_a_password_has_none_that_opens(site):
    for password in ("", "None", SECRET):
        asked = {"login": "li.na", "password": password}
        assert site.post("/console/sign-in", data=asked, headers=ORIGIN).status_code == 401


def test_a_one_time_code_is_asked_for_here_too(world, site):
    offer_code(world, "li.na")
    with world.reading() as session:
        secret, _ = offered(world, find_member(session, "li.na"))
    confirm_code(world, "li.na", "", pyotp.TOTP(secret).now())
    half = site.get(_press(_off(site)))
    assert 'content="0;url=/console/sign-in/code' in half.text
    assert SESSION not in half.headers["set-cookie"]
    assert site.get("/console/queue/to_pack").status_code == 303
    code = pyotp.TOTP(secret).at(world.now() + timedelta(seconds=30))
    came = site.post("/console/sign-in/code", data={"code": code}, headers=ORIGIN)
    assert (came.status_code, site.get("/console/queue/to_pack").status_code) == (303, 200)


@pytest.fixture
def bound(world):
    """王强's account, new: its one-time password lies in an envelope that nobody opened."""
    made = add_member(world, "wang.qiang", "王强", Role.DISPATCH, None, "test")
    bind_subject(world, "wang.qiang", "zj-2002", "test", only=False)
    return made


def test_a_new_account_that_may_also_use_a_password_comes_in_and_is_asked_for_none(site, bound):
    """Everything led to a form that asked for a one-time password which that person never needed."""
    came = site.get(_press(_off(site), "zj-2002"))
    assert 'content="0;url=/console/queue/to_pack"' in came.text
    assert site.get("/console/queue/to_pack").status_code == 200
    assert "这个密码是别人设的" not in site.get("/console/password").text
    with TestClient(site.app, follow_redirects=False) as other:
        asked = {"login": bound.login, "password": bound.password}
        assert other.post("/console/sign-in", data=asked, headers=ORIGIN).headers["location"] == "/console/password"
        assert other.get("/console/queue/to_pack").headers["location"].startswith("/console/password")


def test_it_is_asked_for_none_after_its_one_time_code_either(world, site, bound):
    offer_code(world, "wang.qiang")
    with world.reading() as session:
        secret, _ = offered(world, find_member(session, "wang.qiang"))
    confirm_code(world, "wang.qiang", bound.password, pyotp.TOTP(secret).now())
    site.get(_press(_off(site), "zj-2002"))
    half = site.cookies.get("zhuandi_half", path="/console/sign-in/code")
    assert "sso." in half
    code = pyotp.TOTP(secret).at(world.now() + timedelta(seconds=30))
    with TestClient(site.app, follow_redirects=False) as other:
        other.cookies.set("zhuandi_half", half.replace("sso.", ""), path="/console/sign-in/code")
        assert other.post("/console/sign-in/code", data={"code": code}, headers=ORIGIN).status_code == 401
    came = site.post("/console/sign-in/code", data={"code": code}, headers=ORIGIN)
    assert (came.status_code, site.get("/console/queue/to_pack").status_code) == (303, 200)


def test_a_locked_desk_opens_by_the_service_again(site):
    site.get(_press(_off(site)))
    csrf = re.search(r'name="csrf" value="([0-9a-f]+)"', site.get("/console/queue/to_pack").text)[1]
    site.post("/console/lock", data={"csrf": csrf}, headers=ORIGIN)
    locked = site.get("/console/locked?back=/console/queue/to_pack").text
    assert 'name="password"' not in locked
    assert "/console/sso?back=/console/queue/to_pack" in locked
    site.get(_press(_off(site)))
    assert site.get("/console/queue/to_pack").status_code == 200
