"""Our accounts at carriers and trackers, as settings. What the posts do not publish is marked unconfirmed.

An account that is None in the settings does not exist: no calls, no push door, no route can name it.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, Field, IPvAnyNetwork, SecretStr

from dispatch.journey import Signer


class Account(BaseModel):
    """What every account has: time limits of a call, and what the other side permits."""

    connect_seconds: float = 5.0
    answer_seconds: float = 20.0
    per_second: float = Field(5.0, gt=0)  # unconfirmed unless the carrier publishes one
    ask_floor: timedelta = timedelta(0)
    settling: timedelta = timedelta(minutes=10)  # unconfirmed: how long an order may be missing in a look-up
    # A push that signs nothing is known by where it comes from, or by the secret last part of its address.
    push_secret: SecretStr = SecretStr("")
    push_sources: tuple[IPvAnyNetwork, ...] = ()  # addresses or networks, as 203.0.113.0/24


class EmsAccount(Account):
    """An agreement account at China Post/EMS (CARRIERS §1.1). What a repeated order does is unconfirmed."""

    endpoint: str = "https://api.ems.com.cn/amp-prod-api/f/amp/api/open"
    sender_no: str = ""
    authorization: SecretStr = SecretStr("")
    sk: SecretStr = SecretStr("")
    retired_sk: tuple[SecretStr, ...] = ()
    repeats_are_idempotent: bool = False  # unconfirmed: on only where the post has said so for this account
    product: str = "1"  # 特快专递
    weight_grams: int = 200
    prints_own_label: bool = False  # some local posts accept only their own (010004)
    label_type: Literal["129", "149", "179"] = "129"
    # unconfirmed: what is surely a refusal. Any other failure may hide a booking, so it is doubt, not a refusal
    refused_codes: tuple[str, ...] = ()
    duplicate_codes: tuple[str, ...] = ()  # unconfirmed: EMS publishes no list of retCodes
    unauthorised_codes: tuple[str, ...] = ()  # unconfirmed likewise
    throttled_codes: tuple[str, ...] = ()  # unconfirmed likewise
    cancelled_codes: tuple[str, ...] = ()  # unconfirmed: «cancelled before», «no such order»
    no_trace_words: tuple[str, ...] = ("无客户信息", "无查询信息", "查无", "无邮件信息")  # unconfirmed


class SfAccount(Account):
    """An application at SF's 丰桥 (CARRIERS §2)."""

    endpoint: str = "https://bspgw.sf-express.com/std/service"
    partner_id: str = ""
    checkword: SecretStr = SecretStr("")
    digest: Literal["standard_md5", "simple_md5", "sm3"] = "standard_md5"
    monthly_card: str = ""
    product: int = 2  # expressTypeId 顺丰标快
    pay_method: int = 1
    confirms: bool = False  # orders are confirmed in a second call (EXP_RECE_UPDATE_ORDER dealType 1)
    prints_own_label: bool = False
    label_template: str = ""  # fm_76130_standard_<partnerID> where empty
    per_second: float = Field(30.0, gt=0)  # what A1005 guards in the integration environment
    # unconfirmed: the business error list is not complete. What stands here is surely a refusal, the rest is doubt.
    refused_codes: tuple[str, ...] = (
        *(str(code) for code in range(1010, 1017)),
        *("6126", "8119", "8247", "8057", "20035"),
    )
    absent_codes: tuple[str, ...] = ("8018", "8024", "6150")
    duplicate_codes: tuple[str, ...] = ("8016",)
    # unconfirmed: SF publishes no list of secondaryStatusCode. What one of them says of who signed is set here.
    signers: dict[str, Signer] = {}
    noted_states: tuple[str, ...] = ()  # unconfirmed: order states beside the three known ones that nobody need read


class KdniaoAccount(Account):
    """An account at the tracker Kdniao (CARRIERS §3)."""

    query_endpoint: str = "https://api.kdniao.com/Ebusiness/EbusinessOrderHandle.aspx"
    subscribe_endpoint: str = "https://api.kdniao.com/api/dist"
    business_id: str = ""
    app_key: SecretStr = SecretStr("")
    query_type: Literal["1002", "8001", "8002"] = "8001"
    subscribe_type: Literal["1008", "8008"] = "8008"
    per_second: float = Field(20.0, gt=0)  # CARRIERS §3.3 (M), unconfirmed
    ask_floor: timedelta = timedelta(minutes=30)
    # unconfirmed: ResultCodes of a query; a subscription publishes none, only words
    refused_codes: tuple[str, ...] = ("401", "402", "403", "404")
    throttled_codes: tuple[str, ...] = ("405",)  # unconfirmed likewise
    unauthorised_codes: tuple[str, ...] = ()  # unconfirmed: none is published for queries and subscriptions


class Kuaidi100Account(Account):
    """An account at the tracker Kuaidi100 (CARRIERS §4)."""

    query_endpoint: str = "https://poll.kuaidi100.com/poll/query.do"
    subscribe_endpoint: str = "https://poll.kuaidi100.com/poll"
    customer: str = ""
    key: SecretStr = SecretStr("")
    salt: SecretStr = SecretStr("")  # without one their pushes are unsigned
    retired_salts: tuple[SecretStr, ...] = ()  # a subscription is signed for ever with the salt that it was given
    callback_url: str = ""  # …/pushes/kuaidi100, without the push_secret; without it nothing is subscribed
    ask_floor: timedelta = timedelta(minutes=30)
    refused_codes: tuple[str, ...] = ("700", "701", "702")  # unconfirmed: what 701 and 702 mean
    state_4_is_returned: bool = True  # unconfirmed: 退签 is told by one source as «back with the sender»


class TrackedCarrier(BaseModel):
    """A carrier without an adapter of its own: numbers from an allotted segment, news from a tracker."""

    title: str
    tracker: Literal["kdniao", "kuaidi100"]
    code: str  # the tracker's word for it: ZTO, zhongtong
    postal: bool = False  # the postal enterprise too has products that only a tracker knows (YZPY)
    wants_phone: bool = False  # the tracker asks for the last four digits of a phone
    number_pattern: str = r"[A-Za-z0-9-]{4,35}"


class ByHandAccount(Account):
    """The centre's own people as a carrier (docs/by-hand.md): a desk of ours, or of a town, that speaks HTTP."""

    endpoint: str = "http://127.0.0.1:8080/by-hand"
    title: str = "干部代送"
    key: SecretStr = SecretStr("")  # signs orders and pushes
    settling: timedelta = timedelta(seconds=30)


class GovEmsAccount(Account):
    """The county-to-post interface of Jiangsu, 2017 (CARRIERS §7.1). DES is broken: a protected network only."""

    endpoint: str = ""
    centre_code: str = ""
    des_key: SecretStr = Field(SecretStr(""), min_length=8, max_length=8)  # key and IV, agreed with the post
    title: str = "政务专递（省网）"
    window: str = ""  # GOV_TB_NAME
    department_codes: Mapping[str, str] = Field(default_factory=dict)  # ORGNAME_ID by the department's name
    post_type: Literal["1", "2"] = "1"  # 1 posted by the centre, 2 by the applicant
    inbound_post_type: Literal["1", "2"] = "2"  # unconfirmed, as are all fields of inbound_
    pays: Literal["1", "2"] = "1"  # 1 sender, 2 recipient
    inbound_pays: Literal["1", "2"] = "2"  # the centre, so that the carriage of materials is free for the citizen
    is_send: Literal["1", "2"] = "2"  # 1 no, 2 yes; unconfirmed: what it makes the post do is not published
    name_most: int = 20  # unconfirmed: the sources say 20 and 30, and not whether characters or bytes
    no_postcode: str = "000000"  # what Jiangsu's forms use for an unknown one (CARRIERS §6.5), unconfirmed
    refused_codes: tuple[str, ...] = ("2", "3")
    duplicate_codes: tuple[str, ...] = ("5",)
    empty_means_absent: bool = True  # unconfirmed: success without a line may also mean «nothing has moved yet»
    # The dictionary that was found has no letter for «signed by the addressee»; C and G are guesses: unconfirmed.
    delivered_letters: tuple[str, ...] = ()
    ask_floor: timedelta = timedelta(minutes=10)
