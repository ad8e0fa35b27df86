"""A carrier's own label as a file: known by its first bytes, or fetched from where an answer points. Pure."""

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from dispatch.carrier import Answer, Call, InDoubt, NoAnswer, Request
from dispatch.posts.reading import check_status

PDF = b"%PDF-"
HOST_MOST = 253  # RFC 1035


def pdf_in(answer: Answer) -> bytes | None:
    """The label, where this answer is one; None where it says something else. Raises what `check_status` does."""
    if answer.status in {401, 403}:
        # It may be the file's own place that says so, of an address that runs out: our account is not in question.
        raise NoAnswer(f"面单文件的下载凭证不被接受（HTTP {answer.status}），须重新取面单。")
    check_status(answer)
    return answer.raw if answer.raw.startswith(PDF) else None


def download(
    operation: str, url: str, endpoint: str, headers: Mapping[str, str] | None = None, hosts: Collection[str] = ()
) -> Call:
    """The call that fetches a label. It goes out in the clear only where the account's own `endpoint` does.

    Raises InDoubt for an address that nobody should follow. `headers` may hold a secret: they are not kept, and go
    to the endpoint's host, to `hosts` and to what is below these alone.
    """
    try:
        place = urlsplit(url)
    except ValueError as error:
        raise InDoubt("寄递企业给出的面单地址读不懂。") from error
    if place.scheme not in {"https", urlsplit(endpoint).scheme} or not place.hostname:
        raise InDoubt("寄递企业给出的面单地址不是 https 地址。")
    if headers and not _trusted(place.hostname, (urlsplit(endpoint).hostname or "", *hosts)):
        raise InDoubt(
            f"面单地址在 {place.hostname[:HOST_MOST]}，不在约定的主机上，下载凭证没有送出。请与寄递企业核对。"
        )
    return Call(operation, url, Request(url, headers=headers or {}, method="GET"))


def _trusted(host: str, names: Collection[str]) -> bool:
    return any(host == name.lower() or host.endswith(f".{name.lower()}") for name in names if name)
