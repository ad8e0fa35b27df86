"""The sandbox SF over a real socket: the gateway, its settings, and labels."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from sandbox import SfSettings
from tests.posts.sf_customer import (
    CHECKWORD,
    CREATE,
    PARTNER,
    PRINT,
    ROOT,
    SEARCH,
    Customer,
    digest,
    opened,
    order,
)
from tests.posts.vectors import VECTORS

OFFICIAL = VECTORS["sf_official"]
WAYS = ("standard_md5", "simple_md5", "sm3")


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Customer]:
    with opened(tmp_path_factory.mktemp("sf") / "p") as customer:
        yield customer


def test_the_account_here_signs_with_the_checkword_of_the_official_sample() -> None:
    assert OFFICIAL["checkword"] == CHECKWORD


@pytest.mark.parametrize("way", WAYS)
def test_only_the_digest_that_the_console_has_set_is_taken(tmp_path: Path, way: Any) -> None:
    with opened(tmp_path / "p", digest=way) as post:
        for given in WAYS:
            form = post.form(SEARCH, OFFICIAL["msgData"], timestamp=OFFICIAL["timestamp"], msgDigest=OFFICIAL[given])
            assert post.gate(form) == ("A1000" if given == way else "A1006")


@pytest.mark.parametrize("way", WAYS)
def test_every_character_may_be_signed(tmp_path: Path, way: Any) -> None:
    with opened(tmp_path / "p", digest=way) as post:
        text = json.dumps({"orderId": "~!'()*-._ +%&=/\\é蓝😀", "language": "zh-CN"}, ensure_ascii=False)
        assert post.gate(post.form(SEARCH, text)) == "A1000"


@pytest.mark.parametrize("name", ["partnerID", "requestID", "serviceCode", "timestamp", "msgDigest", "msgData"])
def test_every_parameter_must_be_there(post: Customer, name: str) -> None:
    form = post.form(SEARCH, OFFICIAL["msgData"])
    outer = post.post({**form, name: " "}).json()
    assert (outer["apiResultCode"], outer["apiResultData"]) == ("A1001", "")
    assert name in outer["apiErrorMsg"]
    del form[name]
    assert post.gate(form) == "A1001"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"partnerID": "ANOTHER"}, "A1004"),
        ({"serviceCode": "EXP_RECE_NOTHING"}, "A1004"),
        ({"msgDigest": digest("something else")}, "A1006"),
        ({"requestID": "x" * 41}, "A1001"),
        ({"timestamp": "yesterday"}, "A1002"),
    ],
)
def test_the_gateway_turns_away_what_is_wrong(post: Customer, change: dict[str, str], code: str) -> None:
    assert post.gate(post.form(SEARCH, OFFICIAL["msgData"], **change)) == code


def test_a_request_number_is_good_once_and_not_spent_on_a_wrong_signature(post: Customer) -> None:
    form = post.form(SEARCH, OFFICIAL["msgData"])
    assert post.gate({**form, "msgDigest": "?"}) == "A1006"
    assert [post.gate(form) for _ in range(2)] == ["A1000", "A1007"]


def test_only_a_form_is_read(post: Customer) -> None:
    assert post.http.post("/std/service", json={"partnerID": PARTNER}).json()["apiResultCode"] == "A1001"


def test_a_stale_timestamp_is_expired_where_a_window_is_set(tmp_path: Path) -> None:
    with opened(tmp_path / "p", timestamp_seconds=60.0) as post:
        now = int(time.time())
        for timestamp, code in ((now, "A1000"), (now * 1000, "A1000"), ((now - 90) * 1000, "A1002")):
            assert post.gate(post.form(SEARCH, OFFICIAL["msgData"], timestamp=str(timestamp))) == code


def test_a_call_that_comes_too_often_is_told_so_in_sf_s_words(post: Customer) -> None:
    body = order("01")
    post.spoil(answers=["throttled"])
    response = post.post(post.form(CREATE, json.dumps(body)))
    assert (response.status_code, response.json()["apiResultCode"]) == (200, "A1005")
    assert post.search(body["orderId"])["errorCode"] == "8018"


def test_what_is_no_json_object_is_refused_inside(post: Customer) -> None:
    for text in ("{", "[]", '"text"', "NaN"):
        inner = json.loads(post.post(post.form(SEARCH, text)).json()["apiResultData"])
        assert (inner["success"], inner["errorCode"], inner["msgData"]) == (False, "SBX106", None)


def test_the_result_may_be_an_object_with_everything_as_text(tmp_path: Path) -> None:
    with opened(tmp_path / "p", result_as_object=True, loose_types=True) as post:
        inner = post.post(post.form(CREATE, json.dumps(order("01")))).json()["apiResultData"]
        assert (inner["success"], inner["errorCode"], inner["errorMsg"]) == ("true", "S0000", None)
        told = inner["msgData"]
        assert (told["filterResult"], told["waybillNoInfoList"][0]["waybillType"]) == ("2", "1")


@pytest.mark.parametrize(
    "change",
    [
        {"push_url": ""},
        {"checkword": ""},
        {"partner_id": "x" * 65},
        {"digest": "md5"},
        {"absent_code": "8016"},
        {"settling_seconds": -1.0},
        {"confirming_seconds": float("inf")},
    ],
)
def test_settings_that_cannot_work_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    told = {"host": "127.0.0.1", "port": 0, "storage": tmp_path / "p", "push_url": "http://127.0.0.1:9/"}
    with pytest.raises(ValueError, match=next(iter(change))):
        SfSettings(**{**told, "partner_id": PARTNER, "checkword": CHECKWORD, **change})


# --- COM_RECE_CLOUD_PRINT_WAYBILLS


def printing(*numbers: str, **changes: Any) -> dict[str, Any]:
    documents = [{"masterWaybillNo": number} for number in numbers]
    template = f"fm_76130_standard_{PARTNER}"
    told = {"templateCode": template, "version": "2.0", "fileType": "pdf", "sync": True, "documents": documents}
    return {**told, **changes}


def words_on(pdf: bytes) -> tuple[str, tuple[float, float]]:
    """The text of a one-page PDF, and its size in millimetres."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        (page,) = document
        width, height = page.get_size()
        return page.get_textpage().get_text_range(), (round(width / 72 * 25.4), round(height / 72 * 25.4))
    finally:
        document.close()


@pytest.mark.parametrize(("kind", "size"), [("76130", (76, 130)), ("150", (100, 150))])
def test_a_label_is_a_page_with_the_number_for_who_has_the_token(
    post: Customer, kind: str, size: tuple[int, int]
) -> None:
    numbers = [post.book(order("01")), post.book(order("01"))]
    answer = post.ask(PRINT, printing(*numbers, templateCode=f"fm_{kind}_standard_{PARTNER}"))
    assert (answer["success"], answer["errorMessage"]) == (True, None)
    files = answer["obj"]["files"]
    assert [(file["waybillNo"], file["seqNo"], file["pageNo"]) for file in files] == [
        (numbers[0], 1, 1),
        (numbers[1], 2, 1),
    ]
    for file in files:
        page = post.http.get(file["url"], headers={"X-Auth-token": file["token"]})
        assert page.headers["content-type"] == "application/pdf"
        text, measured = words_on(page.content)
        assert (file["waybillNo"] in text, "蓝小雨" in text, measured) == (True, False, size)
    assert post.http.get(files[0]["url"]).status_code == 401
    assert post.http.get(files[0]["url"], headers={"X-Auth-token": files[1]["token"]}).status_code == 403
    assert post.http.get("/labels/SF9999999999999-150.pdf").status_code == 404


def test_a_receipt_to_be_signed_has_a_label_of_its_own(post: Customer) -> None:
    first, second = post.told(CREATE, order("01", isSignBack=1))["waybillNoInfoList"]
    document = {"masterWaybillNo": first["waybillNo"], "backWaybillNo": second["waybillNo"]}
    (file,) = post.ask(PRINT, printing(documents=[document]))["obj"]["files"]
    page = post.http.get(file["url"], headers={"X-Auth-token": file["token"]})
    assert second["waybillNo"] in words_on(page.content)[0]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"templateCode": "fm_76130_standard_OTHER"}, "SBX202"),
        ({"templateCode": ""}, "SBX201"),
        ({"version": "1.0"}, "SBX202"),
        ({"fileType": "png"}, "SBX203"),
        ({"sync": False}, "SBX203"),
        ({"documents": []}, "SBX201"),
        ({"documents": [{"masterWaybillNo": "SF9999999999999"}]}, "8247"),
    ],
)
def test_a_print_that_cannot_be_is_refused(post: Customer, change: dict[str, Any], code: str) -> None:
    refused = post.ask(PRINT, printing(post.book(order("01")), **change))
    assert (refused["success"], refused["errorCode"], refused["obj"]) == (False, code, None)


def test_there_is_no_label_of_a_cancelled_order(post: Customer) -> None:
    body = order("01")
    number = post.book(body)
    post.update(body["orderId"], 2)
    assert post.ask(PRINT, printing(number))["errorCode"] == "8037"


def test_the_document_tells_every_setting() -> None:
    text = (ROOT / "docs" / "sandbox-post-sf.md").read_text(encoding="utf-8")
    own = set(SfSettings.__dataclass_fields__) - set(SfSettings.__mro__[1].__dataclass_fields__)
    assert all(f"`{name}`" in text for name in own)
