"""The wire to a carrier: HTTP with a limit on every exchange and on every answer."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx2

from dispatch.accounts import Limits
from dispatch.carrier import Answer, NoAnswer, Request, Unavailable
from dispatch.crash import Point, reach, sending
from dispatch.posts.deadline import TimedTransport

ANSWER_MOST = 4_000_000  # bytes: a label in Base64 is the longest answer that a carrier gives
NEVER_SENT = (
    *(httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout),
    *(httpx2.LocalProtocolError, httpx2.UnsupportedProtocol, httpx2.InvalidURL),
)
LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True)
class HttpLine:
    """One client for one account."""

    client: httpx2.Client

    def speak(self, request: Request) -> Answer:
        """Send it. Raises Unavailable where it was surely not processed, NoAnswer otherwise."""
        headers = dict(request.headers)
        if request.content_type:
            headers["Content-Type"] = request.content_type
        reach(Point.CONNECTING)
        try:
            with self.client.stream(
                request.method, request.url, content=request.body, headers=headers, extensions=sending()
            ) as response:
                reach(Point.ACCEPTED)
                answer = Answer(
                    response.status_code,
                    _whole(response),
                    response.headers.get("content-type", ""),
                    _retry_after(response.headers.get("retry-after", "")),
                )
                reach(Point.ANSWERED)
                return answer
        except NEVER_SENT as error:
            raise Unavailable("连不上寄递企业的接口，请求没有送出。") from error
        except httpx2.HTTPError as error:
            raise NoAnswer("请求已送出，但没有等到寄递企业的答复。") from error


def _whole(response: httpx2.Response) -> bytes:
    """The body, within the size of an answer."""
    content = bytearray()
    for piece in response.iter_bytes():
        content += piece
        if len(content) > ANSWER_MOST:
            raise NoAnswer("寄递企业的答复太长，没有读完。")
    return bytes(content)


def _retry_after(told: str) -> timedelta | None:
    """Seconds or an HTTP date (RFC 9110 10.2.3); nothing where it is neither, and never longer than an hour."""
    if told.isascii() and told.isdigit() and len(told) <= 6:
        return min(timedelta(seconds=int(told)), LONGEST_WAIT)
    try:
        wait = parsedate_to_datetime(told) - datetime.now(UTC)
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, timedelta(0)), LONGEST_WAIT)


def open_line(limits: Limits) -> HttpLine:
    """A line for an account, to be closed by `client.close()`. Redirects are not followed."""
    timeout = httpx2.Timeout(limits.answer_seconds, connect=limits.connect_seconds)
    transport = TimedTransport(limits.answer_seconds)
    return HttpLine(httpx2.Client(transport=transport, timeout=timeout, follow_redirects=False, trust_env=False))
