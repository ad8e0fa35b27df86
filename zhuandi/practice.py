"""The practice profile: sandbox posts with random credentials, and the service's waits made short."""

import base64
import json
import os
import secrets
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from dispatch.accounts import SfAccount
from dispatch.errors import ZhuandiError
from dispatch.journey import View
from dispatch.settings import PATIENCE, SETTINGS_FILE

log = structlog.get_logger()
API_PORT = 8080
POSTS = ("ems", "sf", "gov_ems", "kdniao", "kuaidi100", "by_hand")
POST_PORTS = {name: port for port, name in enumerate(POSTS, start=8090)}
PATHS: Mapping[str, Mapping[str, str]] = {
    "ems": {"endpoint": "/amp-prod-api/f/amp/api/open"},
    "sf": {"endpoint": "/std/service"},
    "gov_ems": {"endpoint": "/onlineGovEMS/services/CityToGovService"},
    "kdniao": {"query_endpoint": "/Ebusiness/EbusinessOrderHandle.aspx", "subscribe_endpoint": "/api/dist"},
    "kuaidi100": {"query_endpoint": "/poll/query.do", "subscribe_endpoint": "/poll"},
}
SM4_KEY_BYTES = 16
ON_THE_WAY = {
    View.HANDED_OVER: 8,
    View.IN_TRANSIT: 5,
    View.OUT_FOR_DELIVERY: 4,
    View.ATTEMPT_FAILED: 5,
    View.AWAITING_PICKUP: 4,
    View.DELIVERED: 4,
    View.RETURNING: 6,
}
"""Seconds of patience that fit a post which moves once a second; the desk's patience stays as it is."""
HASTE: Mapping[str, Any] = {"per_second": 500, "connect_seconds": 2, "answer_seconds": 2}
TRACKED: Mapping[str, Mapping[str, Any]] = {
    "zto": {"title": "中通快递", "tracker": "kdniao", "code": "ZTO", "wants_phone": True},
    "yto": {"title": "圆通速递", "tracker": "kuaidi100", "code": "yuantong"},
}


@dataclass(frozen=True, slots=True)
class Practice:
    """Where the sandbox posts listen."""

    ports: Mapping[str, int]

    def url(self, post: str) -> str:
        """The address of one of them."""
        return f"http://127.0.0.1:{self.ports[post]}"


def read_practice(home: Path) -> Practice:
    """The practice settings of this home. Raises ZhuandiError where `make up` has not made them."""
    file = home / SETTINGS_FILE
    if not file.exists():
        raise ZhuandiError("还没有练习环境的设置。请先运行 `zhuandi up --sandbox`（或 `make up`）。")
    return Practice(json.loads(file.read_text())["practice_posts"])


def prepare_practice(home: Path) -> None:
    """Write the settings file (0600) on the first start; later starts only move ports that others have taken."""
    file = home / SETTINGS_FILE
    home.mkdir(parents=True, exist_ok=True)
    said = json.loads(file.read_text()) if file.exists() else _new_settings()
    if said.get("profile") != "sandbox":
        raise ZhuandiError(f"{file} 是正式环境的设置，不能用来练习。请另设 ZHUANDI_HOME。")
    for name, account in _accounts().items():
        said.setdefault(name, account)  # a home of an earlier version knew one post
    said.setdefault("tracked", TRACKED)
    _give_ports(said)
    _write_private(file, json.dumps(said, ensure_ascii=False, indent=2))


def _give_ports(said: dict[str, Any]) -> None:
    api_port = free_port(said["listen_port"])
    if api_port != said["listen_port"]:
        log.warning("practice.port_moved", was=said["listen_port"], now=api_port, advice="先前打印的二维码指向旧端口")
    wanted, taken = {**POST_PORTS, **said.get("practice_posts", {})}, [api_port]
    for name in POSTS:
        wanted[name] = free_port(wanted[name], but_not=taken)
        taken.append(wanted[name])
        for field, path in PATHS.get(name, {}).items():
            said[name][field] = f"http://127.0.0.1:{wanted[name]}{path}"
    url = f"http://127.0.0.1:{api_port}"
    said |= {"listen_port": api_port, "public_url": url, "practice_posts": wanted}
    # The centre's own desk is ours, in practice too; a storm needs one that can be told to fail.
    desk = f"http://127.0.0.1:{wanted['by_hand']}" if said.get("practice_by_hand") == "sandbox" else url
    said["by_hand"]["endpoint"] = f"{desk}/by-hand"
    said["kuaidi100"]["callback_url"] = f"{url}/pushes/kuaidi100"


def _accounts() -> dict[str, dict[str, Any]]:
    """An account at each post, with credentials of their own."""
    return {
        "ems": {
            **HASTE,
            "sender_no": f"1100{secrets.randbelow(10**9):09}",
            "authorization": secrets.token_hex(16),
            "sk": base64.b64encode(secrets.token_bytes(SM4_KEY_BYTES)).decode(),
            "repeats_are_idempotent": True,
            "refused_codes": ["SBX201", "SBX202", "SBX203", "SBX212", "SBX222"],
            "duplicate_codes": ["SBX211"],
            "cancelled_codes": ["SBX221", "SBX223"],
            "unauthorised_codes": ["SBX101", "SBX102", "SBX105"],
        },
        "sf": {
            **HASTE,
            "partner_id": f"ZW{secrets.token_hex(4).upper()}",
            "checkword": secrets.token_hex(16),
            "monthly_card": "7551234567",
            "push_secret": secrets.token_urlsafe(24),
            "settling": 3,
            "confirms": True,
            "refused_codes": [*SfAccount().refused_codes, "SBX222"],
        },
        "gov_ems": {
            **HASTE,
            "ask_floor": 1,
            "centre_code": "331127JT",
            "des_key": secrets.token_hex(4),
            "delivered_letters": ["C"],
        },
        "kdniao": {
            **HASTE,
            "ask_floor": 1,
            "business_id": f"1{secrets.randbelow(10**6):06}",
            "app_key": secrets.token_hex(16),
        },
        "kuaidi100": {
            **HASTE,
            "ask_floor": 1,
            "customer": secrets.token_hex(8).upper(),
            "key": secrets.token_hex(8),
            "salt": secrets.token_hex(8),
            "subscribe_again_after": 2,
        },
        "by_hand": {**HASTE, "key": secrets.token_hex(16), "settling": 3},
    }


def _new_settings() -> dict[str, Any]:
    seconds = {view: ON_THE_WAY.get(view, PATIENCE[view].total_seconds()) for view in PATIENCE}
    return {
        "profile": "sandbox",
        "listen_port": API_PORT,
        **_accounts(),
        "item_release": "when_released",
        "item_grouping": 3,
        "patience": seconds,
        "after_asking": 2,
        "ask_floor": 1,
        "ask_again": 60,
        "doubt_ladder": [1, 2, 4, 8, 15],
        "unmatched_grace": 2,
        "job_lease": 15,
        "job_retry_first": 1,
        "job_retry_cap": 5,
        "clock_rhythm": 0.5,
        "breaker_first": 1,
        "breaker_longest": 5,
        "breaker_probe": 5,
        "breaker_unauthorised": 30,
    }


def _write_private(file: Path, text: str) -> None:
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    draft.replace(file)


def free_port(wanted: int, *, but_not: Iterable[int] = ()) -> int:
    """`wanted` if nobody listens there, otherwise one that the system gives."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            # As the server will: a port that only lingers after its last owner is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            if (found := int(probe.getsockname()[1])) not in set(but_not):
                return found
    raise ZhuandiError("本机没有空闲的端口。")
