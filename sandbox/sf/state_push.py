"""The order-state push: «there is a waybill number now», for orders with filterResult 1 (CARRIERS §2.6, M).

The engine's pusher tells what happens to parcels that are under way; this is told before. It is kept in memory only:
a post that is closed meanwhile never tells it, and EXP_RECE_SEARCH_ORDER_RESP does.
"""

import json
import logging
import threading
import uuid
from typing import Final

import httpx2

from sandbox.post import Parcel, beijing, now_ms
from sandbox.sf.news import is_json_ack
from sandbox.sf.settings import SfSettings

log = logging.getLogger(__name__)

MOST_TRIES: Final = 8
LONGEST_WAIT_SECONDS: Final = 5.0
TIMEOUT_SECONDS: Final = 5.0


class StatePush:
    """Announces numbers to come; does nothing unless the settings say so."""

    def __init__(self, settings: SfSettings) -> None:
        """One for each post."""
        self._settings = settings
        self._lock = threading.Lock()
        self._open: set[int] = set()  # ids of parcels that are to be told of

    def announce(self, parcel: Parcel) -> None:
        """Tell the number of a parcel once it is confirmed."""
        if not self._settings.order_state_push:
            return
        with self._lock:
            self._open.add(parcel.id)
        body = {
            "requestId": uuid.uuid4().hex,
            "timestamp": str(now_ms()),
            "orderState": [_state(parcel, self._settings.confirming_seconds)],
        }
        self._after(self._settings.confirming_seconds, parcel, json.dumps(body, ensure_ascii=False).encode(), 1)

    def withdraw(self, parcel: Parcel) -> None:
        """A cancelled order is not told of."""
        with self._lock:
            self._open.discard(parcel.id)

    def _after(self, seconds: float, parcel: Parcel, body: bytes, tries: int) -> None:
        timer = threading.Timer(seconds, self._tell, (parcel, body, tries))
        timer.daemon = True
        timer.start()

    def _tell(self, parcel: Parcel, body: bytes, tries: int) -> None:
        with self._lock:
            if parcel.id not in self._open:
                return
        if self._is_taken(body):
            self.withdraw(parcel)
        elif tries < (self._settings.push_tries or MOST_TRIES):
            wait = self._settings.push_retry_seconds * 2 ** (tries - 1)
            self._after(min(wait, LONGEST_WAIT_SECONDS), parcel, body, tries + 1)

    def _is_taken(self, body: bytes) -> bool:
        headers = {"Content-Type": "application/json"}
        try:
            response = httpx2.post(
                self._settings.push_url, content=body, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False
            )
        except httpx2.HTTPError as error:
            log.info("order-state push not delivered: %s", type(error).__name__)
            return False
        return is_json_ack(response)


def _state(parcel: Parcel, confirming_seconds: float) -> dict[str, str]:
    """Which state tells the number is unconfirmed; nobody's name or telephone is made up for it."""
    confirmed = beijing(parcel.booked_ms + int(confirming_seconds * 1000))
    return {
        "orderNo": parcel.order_no,
        "waybillNo": parcel.number,
        "orderStateCode": "04-40037",
        "orderStateDesc": "下单已接收",
        "empCode": "",
        "empPhone": "",
        "netCode": parcel.extra["cities"][0],
        "lastTime": confirmed,
        "bookTime": confirmed,
        "carrierCode": "SF",
        "createTm": beijing(parcel.booked_ms),
    }
