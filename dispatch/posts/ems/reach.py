"""030005 揽收范围判断 (CARRIERS §1.6, M: field names and numbers are unconfirmed). Pure."""

import json

from dispatch.accounts import EmsAccount
from dispatch.carrier import Answer, Party, Reach, Refused
from dispatch.posts.ems.booking import SUCCESS, body_of, envelope, words_of
from dispatch.posts.reading import text_of

OPERATION = "030005"
WORDS = {
    "0": "在揽收范围内",
    "1": "超出揽收范围",
    "2": "解析参数失败",
    "3": "产品代码为空",
    "4": "不合法产品代码",
    "6": "服务异常",
    "7": "读取参数失败",
    "8": "查询无结果",
    "9": "地址精度不足",
    "10": "未维护频次",
}


def reach_text(party: Party, account: EmsAccount) -> str:
    """The JSON body for one address."""
    body = {
        "address": party.address,
        "prov": party.province,
        "city": party.city,
        "county": party.county,
        "bizProductNo": account.product,
        "type": account.reach_type,
        "senderNo": account.sender_no,
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def read_reach(answer: Answer, account: EmsAccount) -> Reach:
    """Inside, outside, or no telling: every status that the account does not know for one of them."""
    said = envelope(answer, account)
    if said["retCode"] != SUCCESS:
        raise Refused(words_of(said))
    status = text_of(body_of(said), "status")
    inside = True if status in account.reach_inside_codes else None
    if status in account.reach_outside_codes:
        inside = False
    return Reach(inside, WORDS.get(status, f"状态 {status}"))
