"""The doors, opened in this process; a client system's key; an envelope that is on its way."""

import base64
import dataclasses
import json
from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from sqlalchemy import select, update
from starlette.testclient import TestClient

from dispatch.api.app import make_app
from dispatch.approval.lodge import lodge
from dispatch.client import add_client
from dispatch.db import connect, sessions
from dispatch.journey import BY_STAGE, BY_TRACKED, Stage, Tracked, View
from dispatch.shipment import Shipment
from dispatch.waybill import Waybill, live_waybill
from dispatch.world import World


@pytest.fixture
def door(world: World) -> TestClient:
    return TestClient(make_app(world))


@pytest.fixture
def key(world: World) -> dict[str, str]:
    """The headers of a client system named 审批系统."""
    return {"Authorization": f"Bearer {add_client(world, '审批系统')}"}


@pytest.fixture
def closed_door(world: World) -> Iterator[TestClient]:
    """Doors whose database is away."""
    engine = connect("postgresql+psycopg://nobody@127.0.0.1:9/nowhere")
    yield TestClient(make_app(dataclasses.replace(world, sessions=sessions(engine))))
    engine.dispose()


@pytest.fixture
def case() -> Callable[..., dict[str, object]]:
    """A valid decided case as JSON."""

    def make(case_no: str = "331127202611220001", slip: dict[str, object] | None = None, **more: object):
        return {
            "case_no": case_no,
            "item_name": "食品经营许可",
            "department": "县市场监督管理局",
            "decided_at": "2026-11-20",
            "applicant_name": "蓝小雨",
            "applicant_kind": "person",
            "applicant_id_no": "330106199001010018",
            "slip": {
                "recipient_name": "蓝小雨",
                "phone": "13900000001",
                "province": "浙江省",
                "city": "丽水市",
                "county": "景宁畲族自治县",
                "town": "红星街道",
                "detail": "团结西路8号2幢301室",
                "way": "door",
                **(slip or {}),
            },
            **more,
        }

    return make


@dataclasses.dataclass
class OnTheWay:
    """An envelope that has its number, and its page."""

    world: World
    door: TestClient
    shipment: Shipment
    waybill: Waybill
    token: str

    @property
    def path(self) -> str:
        return f"/t/{self.token}"

    def put(self, view: View, **more: object) -> None:
        """Stand it where this is seen of it."""
        stage, tracked = PLACES[view]
        with self.world.begin() as session:
            values = {"stage": stage, "tracked": tracked, **more}
            session.execute(update(Shipment).where(Shipment.id == self.shipment.id).values(**values))


PLACES = {
    **{view: (stage, Tracked.UNSEEN) for stage, view in BY_STAGE.items()},
    **{view: (Stage.HANDED_OVER, tracked) for tracked, view in BY_TRACKED.items()},
}


@pytest.fixture
def on_the_way(post, drain, decided) -> Callable[..., OnTheWay]:
    """Lodge a case and let the post give it its number."""

    def make(**fields: object) -> OnTheWay:
        world = post.world
        lodge(world, decided(**fields), "审批系统")
        drain(world)
        with world.reading() as session:
            shipment = session.scalars(select(Shipment)).one()
            waybill = live_waybill(session, shipment.id)
            assert waybill is not None
            token = world.vault.open(waybill, "token") or ""
        return OnTheWay(world, TestClient(make_app(world)), shipment, waybill, token)

    return make


def sealed_push(account, *, number: str = "1100000000001", sk: str = "", **more: object) -> bytes:
    """A push as EMS would send it, made with nothing of the service's own: the witness of its reading."""
    event = {
        "waybillNo": number,
        "opTime": "2026-11-22 10:20:00",
        "opCode": "203",
        "opName": "收寄计费信息",
        "opDesc": "邮政已收寄，揽投员：王大力，电话：13700000009",
        "opOrgName": "景宁县鹤溪揽投部",
        **more.pop("event", {}),
    }
    key = base64.b64decode(sk or account.sk.get_secret_value())
    padder = PKCS7(128).padder()
    padded = padder.update(json.dumps(event, ensure_ascii=False).encode()) + padder.finalize()
    encryptor = Cipher(algorithms.SM4(key), modes.ECB()).encryptor()
    wrapped = "|$4|" + base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()
    envelope = {
        "logitcsInterface": wrapped,
        "method": "040002",
        "msgType": "0",
        "senderNo": account.sender_no,
        "serialNo": "0123456789abcdef0123456789abcdef",
        "timeStamp": "2026-11-22 10:20:05",
        "version": "v1.0.0",
        **more,
    }
    return json.dumps(envelope).encode()
