"""How the sandbox Kuaidi100 calls back: when, where, signed with what, how often, and with which faults."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sandbox import Faults
from tests.posts.kuaidi100_customer import OLD_SALT, SALT, Customer, Receiver, ack, codes, opened, sign
from tests.posts.sandbox_steps import until
from tests.posts.sandbox_trackers import number

Opened = tuple[Customer, Receiver]


@pytest.fixture(scope="module", autouse=True)
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """All that takes its time, set out together: a parcel not yet subscribed to, and a storm."""
    folder = tmp_path_factory.mktemp("kuaidi100")
    with opened(folder / "late") as late, in_a_storm(folder / "storm") as storm:
        unknown = number("01")
        late[0].collect(unknown)
        yield {"late": (late, unknown), "storm": storm}


@contextmanager
def in_a_storm(storage: Path) -> Iterator[tuple[Opened, list[str]]]:
    """Twenty parcels on their way."""
    with opened(storage, faults=Faults.storm(drip=0.0, drip_headers=0.0)) as (customer, receiver):
        numbers = [number("01") for _ in range(20)]
        for waybill_no in numbers:
            until(partial(_is_subscribed, customer, waybill_no))
        customer.collect(*numbers)
        yield (customer, receiver), numbers


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Opened]:
    with opened(tmp_path / "books.sqlite3") as both:
        yield both


def pushed_once(both: Opened, fault: str = "", **subscription: Any) -> tuple[str, list[dict[str, str]]]:
    customer, receiver = both
    customer.spoil(pushes=[fault])
    waybill_no = number("15")
    assert customer.subscribe(waybill_no, **subscription)["returnCode"] == "200"
    customer.collect(waybill_no)
    until(lambda: customer.is_through(waybill_no))
    return waybill_no, receiver.forms()


def test_without_a_salt_there_is_no_signature(fresh: Opened) -> None:
    _, (form,) = pushed_once(fresh, parameters={"salt": ""})
    assert list(form) == ["param"]


def test_no_company_is_corrected_where_nobody_asked_for_it(fresh: Opened) -> None:
    customer, receiver = fresh
    waybill_no = number("31")
    customer.subscribe(waybill_no, parameters={"autoCom": ""})
    customer.collect(waybill_no)
    (first, *_) = until(lambda: receiver.about(waybill_no))
    assert (first["autoCheck"], first["comNew"], first["lastResult"]["com"]) == ("0", "", "ems")


def test_each_subscription_is_called_back_at_its_own_address(fresh: Opened) -> None:
    customer, receiver = fresh
    pushed_once(fresh, parameters={"callbackurl": f"{customer.callback_url}/mine?case=1"})
    assert [push.path for push in receiver.door.all()] == ["/push/mine?case=1"]


WRONG_ACKS: list[tuple[int, bytes]] = [
    (500, ack()),
    (200, b""),
    (200, b"success"),
    (200, ack(result="true")),
    (200, ack(result=False)),
    (200, ack(returnCode="500")),
    (200, ack(returnCode=200)),
    (200, ack(message=None)),
    (200, b'{"code": 0, "data": ' + ack() + b"}"),
]


def test_a_callback_is_repeated_until_it_is_acknowledged_in_kuaidi100s_own_words(tmp_path: Path) -> None:
    with opened(tmp_path / "books", push_retry_seconds=0.001, push_tries=0) as both:
        both[1].acks.next_words = list(WRONG_ACKS)
        _, forms = pushed_once(both)
        assert len(forms) == len(WRONG_ACKS) + 1


def test_a_callback_is_repeated_three_times_and_then_given_up(fresh: Opened) -> None:
    fresh[1].acks.next_words = WRONG_ACKS[:4]
    waybill_no, forms = pushed_once(fresh)
    assert (len(forms), fresh[0].entry(waybill_no)["pushed"]) == (4, 0)


def test_numbers_may_come_as_numbers_and_the_state_as_a_sub_state(tmp_path: Path) -> None:
    with opened(tmp_path / "books", numbers_as_text=False, advanced_state=True) as both:
        waybill_no, _ = pushed_once(both)
        said = both[0].query(waybill_no)
        assert (said["state"], said["ischeck"], said["status"]) == (103, 0, 200)
        assert both[1].about(waybill_no)[0]["lastResult"] == said


# --- faults


@pytest.mark.parametrize(("fault", "salt"), [("old_signature", OLD_SALT), ("bad_signature", ""), ("", SALT)])
def test_a_callback_is_signed_as_the_fault_says(fresh: Opened, fault: str, salt: str) -> None:
    _, (form,) = pushed_once(fresh, fault)
    assert (form["sign"] == sign(form["param"], salt)) is bool(salt)
    assert (form["sign"] == sign(form["param"], SALT)) is (salt == SALT)


def test_a_callback_about_a_wrong_number_names_nobodys_parcel(fresh: Opened) -> None:
    waybill_no, (form,) = pushed_once(fresh, "wrong_number")
    assert form["sign"] == sign(form["param"], SALT)
    assert waybill_no not in form["param"]


def test_a_subscription_whose_answer_was_lost_is_there_and_its_repeat_is_501(fresh: Opened) -> None:
    customer, _ = fresh
    customer.spoil(answers=["error_after"])
    waybill_no = number("15")
    assert _code(customer, waybill_no) == ""
    assert _code(customer, waybill_no) == "501"


# --- what takes its time


def test_nothing_is_told_before_the_subscription_and_then_everything_at_once(begun: dict[str, Any]) -> None:
    (customer, receiver), waybill_no = begun["late"]
    until(lambda: customer.query(waybill_no).get("state") == "3")
    assert receiver.forms() == []
    customer.subscribe(waybill_no)
    until(lambda: customer.is_through(waybill_no))
    assert [codes(param["lastResult"])[::-1] for param in receiver.about(waybill_no)] == [
        ["103", "1002", "1001", "5", "301"]
    ]


def test_in_a_storm_every_parcel_still_comes_to_its_end(begun: dict[str, Any]) -> None:
    (customer, receiver), numbers = begun["storm"]
    until(lambda: customer.is_through(*numbers))
    ends = [no for no in numbers if any(param["status"] == "shutdown" for param in receiver.about(no))]
    assert len(ends) > len(numbers) / 2


def _is_subscribed(customer: Customer, waybill_no: str) -> bool:
    """Just now, or by a call whose answer was lost."""
    return _code(customer, waybill_no) in {"200", "501"}


def _code(customer: Customer, waybill_no: str) -> str:
    """What a subscription got; nothing where the answer was lost or garbled."""
    try:
        return str(customer.subscribe(waybill_no)["returnCode"])
    except Exception:  # noqa: BLE001 - whatever a storm does to an answer
        return ""
