"""CityGetGovLogis 物流信息获取: our order's number, and its news (CARRIERS §7.1). Pure."""

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from dispatch.accounts import GovEmsAccount
from dispatch.carrier import Answer, Booked, Duplicate, InDoubt, Seen
from dispatch.journey import News, Signer
from dispatch.posts.ems.booking import is_waybill_no
from dispatch.posts.gov_ems.soap import SUCCESS, result_of
from dispatch.posts.times import NEVER, read_time
from dispatch.posts.xml import branch, named, text_at, written

OPERATION = "CityGetGovLogis"
NAMES: Mapping[str, str] = {
    "A": "已收件",
    "B": "已收寄",
    "D": "运输中",
    "E": "投递中",
    "F": "寄件人已签收（退回）",
}
"""STATUS in the dictionary that was found. What each letter means to us is a setting."""


def question_text(order_no: str, account: GovEmsAccount) -> str:
    """The XML under the cipher that asks for one order."""
    root = branch("RequestMessage", {})
    root.append(branch("LogisInfo", {"EMS_ORD_NO": order_no, "ZWFWZX_CODE": account.centre_code}))
    return written(root)


def _lines(answer: Answer) -> list[Element]:
    said = result_of(answer)
    if said.code != SUCCESS:
        raise InDoubt(f"寄递企业没有答复物流信息：{said.words}")
    return named(said.root, "LogisInfo")


def read_look_up(answer: Answer, order_no: str, account: GovEmsAccount) -> Booked | None:
    """The number, or None where the post surely has no such order. Raises Duplicate where it tells none yet."""
    lines = _lines(answer)
    if not lines and account.empty_means_absent:
        return None
    ours = [line for line in lines if text_at(line, "EMS_ORD_NO") == order_no]
    if not ours:
        raise InDoubt("寄递企业的答复里没有本订单，不能确定是否已收。")
    numbers = {number for line in ours if (number := text_at(line, "MAIL_NUM"))}
    if not numbers:
        raise Duplicate("寄递企业已有此单，运单号稍后告知。")
    if len(numbers) > 1 or not all(map(is_waybill_no, numbers)):
        raise InDoubt("寄递企业给出的不是一个合规的运单号。")
    return Booked(numbers.pop())


def read_trace(answer: Answer, account: GovEmsAccount) -> tuple[Seen, ...]:
    """All news that the post tells. An order that it knows and that has not moved has none."""
    return tuple(_read_line(line, account) for line in _lines(answer) if _tells(line))


def _tells(line: Element) -> bool:
    return any(text_at(line, name) for name in ("STATUS", "STS_TIME", "STS_INFO", "STS_DESC"))


def _read_line(line: Element, account: GovEmsAccount) -> Seen:
    """One bad line must not cost the others: without a time that can be read, a person reads it."""
    letter = text_at(line, "STATUS")
    words = " ".join(part for part in (text_at(line, "STS_INFO"), text_at(line, "STS_DESC")) if part)
    news = _meaning(letter, account)
    try:
        at = read_time(text_at(line, "STS_TIME"))
    except ValueError as error:
        at, news, words = NEVER, News.UNKNOWN, f"{error} {words}".strip()
    return Seen(
        waybill_no=text_at(line, "MAIL_NUM"),
        order_no=text_at(line, "EMS_ORD_NO"),
        at=at,
        code=letter,
        news=news,
        signer=Signer.UNKNOWN if news is News.DELIVERED else None,
        text=words,
    )


def _meaning(letter: str, account: GovEmsAccount) -> News:
    """The table first: a letter that is added as a delivery makes no delivery of the dictionary's return."""
    if letter in account.letters:
        return account.letters[letter]
    return News.DELIVERED if letter in account.delivered_letters else News.UNKNOWN
