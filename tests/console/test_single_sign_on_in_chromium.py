"""Single sign-on in a real browser, across two sites: the strict cookie is there when the way back ends."""

import dataclasses
import os
import subprocess
import sys

import pytest
from pydantic import SecretStr

from dispatch.accounts import OidcClient
from dispatch.console.site import make_site
from dispatch.identity import CALLBACK
from dispatch.oidc.provider import Oidc
from dispatch.posts.line import open_line
from dispatch.staff.bind import bind_subject
from dispatch.staff.member import add_member
from dispatch.staff.role import Role
from dispatch.wiring import now
from tests.browser.chromium import chromium
from tests.doors.served import served

COMMAND = (sys.executable, "-m", "zhuandi", "sandbox-identity", "--client-secret", "x", "--person", "zj-1001=李娜")


@pytest.fixture
def at_the_counter(world, tmp_path):
    """The counter at `localhost`, the service at 127.0.0.1: for a browser two sites that have nothing in common."""
    site = make_site(world)
    with served(site) as server:
        public = f"http://localhost:{server.port}"
        env = {**os.environ, "ZHUANDI_HOME": str(tmp_path), "ZHUANDI_PUBLIC_URL": public}
        with subprocess.Popen(COMMAND, env=env, stdout=subprocess.PIPE, text=True) as service:
            issuer = service.stdout.readline().strip()
            client = OidcClient(issuer=issuer, client_id="zhuandi", client_secret=SecretStr("x"), title="浙政钉")
            line = open_line(client)
            site.state.world = dataclasses.replace(world, identity=Oidc(client, public + CALLBACK, line, now))
            yield public
            service.terminate()
        line.client.close()


def test_whoever_comes_back_from_the_service_is_at_the_page_that_was_wanted(world, at_the_counter, playwright):
    add_member(world, "li.na", "李娜", Role.DISPATCH, None, "test")
    bind_subject(world, "li.na", "zj-1001", "test", only=True)
    with chromium(playwright) as browser:
        page = browser.new_context().new_page()
        page.goto(f"{at_the_counter}/console/queue/to_pack")
        page.click("text=浙政钉")
        page.wait_for_url("**/authorize**")
        page.click("text=李娜")
        page.wait_for_url("**/console/queue/to_pack")
        assert page.locator(".me").inner_text().startswith("李娜")
        [cookie] = page.context.cookies()
        assert (cookie["name"], cookie["sameSite"], cookie["httpOnly"]) == ("zhuandi_session", "Strict", True)
