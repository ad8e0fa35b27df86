"""Our accounts at carriers and trackers, as settings. What the posts do not publish is marked unconfirmed.

An account that is None in the settings does not exist: no calls, no push door, no route can name it.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, IPvAnyNetwork, SecretStr, field_validator

from dispatch.journey import News, Signer


class Limits(BaseModel):
    """How long whoever we speak to may take."""

    connect_seconds: float = 5.0
    answer_seconds: float = 20.0  # of the whole call, from connecting to the last byte of the answer


class Account(Limits):
    """What every account has: time limits of a call, and what the other side permits."""

    per_second: float = Field(5.0, gt=0)  # unconfirmed unless the carrier publishes one
    ask_floor: timedelta = timedelta(0)
    settling: timedelta = timedelta(minutes=10)  # unconfirmed: how long an order may be missing in a look-up
    # A push that signs nothing is known by where it comes from, or by the secret last part of its address.
    push_secret: SecretStr = SecretStr("")
    retired_push_secrets: tuple[SecretStr, ...] = ()  # all that is retired vouches for pushes, and opens nothing else
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
    payment_mode: Literal["1", "2", "3", "4", "5", "6", "7"] = "1"  # 寄件人: the centre
    # unconfirmed: 2 收件人 or 4 收件人集中付费. The sender is then the applicant, who never pays: no 1, no 6.
    inbound_payment_mode: Literal["2", "3", "4", "5", "7"] = "2"
    project_id: str = ""  # 项目标识, where the post has given one; not sent where empty
    receipt_flag: Literal["1", "2", "3", "5", "6", "7", "8"] = "1"  # 基本: no receipt comes back
    insurance_flag: Literal["1", "2", "3"] = "1"  # 基本; 2 保价 and 3 保险 want `insured_yuan`
    insured_yuan: str = ""  # insuranceAmount; not sent where empty
    prints_own_label: bool = False  # some local posts accept only their own (010004)
    label_type: Literal["129", "149", "179"] = "129"
    # unconfirmed: what is surely a refusal. Any other failure may hide a booking, so it is doubt, not a refusal
    refused_codes: tuple[str, ...] = ()
    duplicate_codes: tuple[str, ...] = ()  # unconfirmed: EMS publishes no list of retCodes
    unauthorised_codes: tuple[str, ...] = ()  # unconfirmed likewise
    throttled_codes: tuple[str, ...] = ()  # unconfirmed likewise
    cancelled_codes: tuple[str, ...] = ()  # unconfirmed: «cancelled before», «no such order»
    no_trace_words: tuple[str, ...] = ("无客户信息", "无查询信息", "查无", "无邮件信息")  # unconfirmed
    not_accepted_code: str = "S00001"  # unconfirmed: what receivers answer to a push that they turn away (§1.7, M)
    reach_type: str = "2"  # unconfirmed, as are all fields of reach_ (030005, M): 协议客户实时
    reach_inside_codes: tuple[str, ...] = ("0",)  # unconfirmed likewise: every other status is «cannot tell»
    reach_outside_codes: tuple[str, ...] = ("1",)  # unconfirmed likewise


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
    # unconfirmed: where cloud print keeps its files, beside the endpoint's host; with all hosts below these
    label_hosts: tuple[str, ...] = ("sf-express.com",)
    per_second: float = Field(30.0, gt=0)  # what A1005 guards in the integration environment
    # unconfirmed: the business error list is not complete. What stands here is surely a refusal, the rest is doubt.
    refused_codes: tuple[str, ...] = (
        *(str(code) for code in range(1010, 1017)),
        *("6126", "8119", "8247", "8057", "20035"),
    )
    absent_codes: tuple[str, ...] = ("8018", "8024", "6150")  # unconfirmed likewise
    duplicate_codes: tuple[str, ...] = ("8016",)  # unconfirmed likewise: a repeat gives the first number, or this
    # unconfirmed: SF publishes no list of secondaryStatusCode. What one of them says of who signed is set here.
    signers: dict[str, Signer] = {}
    # unconfirmed (§2.6, M): order states that nobody need read, with their names. The list is not complete.
    order_states: Mapping[str, str] = {
        "04-40001": "调度成功",
        "04-40037": "下单已接收",
        "05-40003": "已正常收件",
    }
    noted_states: tuple[str, ...] = ()  # unconfirmed: order states beside these that nobody need read


class KdniaoAccount(Account):
    """An account at the tracker Kdniao (CARRIERS §3)."""

    query_endpoint: str = "https://api.kdniao.com/Ebusiness/EbusinessOrderHandle.aspx"
    subscribe_endpoint: str = "https://api.kdniao.com/api/dist"
    business_id: str = ""
    app_key: SecretStr = SecretStr("")
    retired_app_keys: tuple[SecretStr, ...] = ()
    query_type: Literal["1002", "8001", "8002"] = "8001"
    subscribe_type: Literal["1008", "8008"] = "8008"
    per_second: float = Field(20.0, gt=0)  # CARRIERS §3.3 (M), unconfirmed
    ask_floor: timedelta = timedelta(minutes=30)
    # unconfirmed: ResultCodes of a query, which may also stand before its words as `[405]`; a subscription has none
    refused_codes: tuple[str, ...] = ("401", "402", "403", "404")
    throttled_codes: tuple[str, ...] = ("405",)  # unconfirmed likewise
    unauthorised_codes: tuple[str, ...] = ()  # unconfirmed: none is published for queries and subscriptions
    # unconfirmed: what a failed query says of a parcel without a trace; of any other failure nothing is concluded
    no_trace_words: tuple[str, ...] = ("暂无轨迹", "暂无物流", "没有轨迹")


class Kuaidi100Account(Account):
    """An account at the tracker Kuaidi100 (CARRIERS §4)."""

    query_endpoint: str = "https://poll.kuaidi100.com/poll/query.do"
    subscribe_endpoint: str = "https://poll.kuaidi100.com/poll"
    customer: str = ""
    key: SecretStr = SecretStr("")
    salt: SecretStr = SecretStr("")  # without one their pushes are unsigned
    retired_salts: tuple[SecretStr, ...] = ()  # a subscription is signed for ever with the salt that it was given
    unsigned_pushes: bool = False  # believed by their place also with a salt: subscriptions from before there was one
    callback_url: str = ""  # …/pushes/kuaidi100, without the push_secret; without it nothing is subscribed
    ask_floor: timedelta = timedelta(minutes=30)
    subscribe_again_after: timedelta = timedelta(minutes=30)  # after an abort (CARRIERS §4.3)
    subscriptions_a_month: int = Field(4, ge=1)  # of one number (CARRIERS §4.2, M), unconfirmed
    refused_codes: tuple[str, ...] = ("700", "701", "702")  # unconfirmed: what 701 and 702 mean
    state_4_is_returned: bool = True  # unconfirmed: 退签 is told by one source as «back with the sender»


class TrackedCarrier(BaseModel):
    """A carrier without an adapter of its own: numbers from an allotted segment, news from a tracker."""

    title: str
    tracker: Literal["kdniao", "kuaidi100"]
    code: str  # the tracker's word for it: ZTO, zhongtong
    postal: bool = False  # the postal enterprise too has products that only a tracker knows (YZPY)
    wants_phone: bool = False  # the tracker asks for the last four digits of a phone; unconfirmed: of which companies
    number_pattern: str = r"[A-Za-z0-9-]{4,35}"


class ByHandAccount(Account):
    """The centre's own people as a carrier (docs/by-hand.md): a desk of ours, or of a town, that speaks HTTP."""

    endpoint: str = "http://127.0.0.1:8080/by-hand"
    title: str = "干部代送"
    key: SecretStr = SecretStr("")  # signs orders and pushes
    retired_keys: tuple[SecretStr, ...] = ()
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
    inbound_pays: Literal["1", "2"] = "2"  # the centre: free for the citizen; unconfirmed, as all of inbound_
    is_send: Literal["1", "2"] = "2"  # 1 no, 2 yes; unconfirmed: what it makes the post do is not published
    name_most: int = 20  # unconfirmed: the sources say 20 and 30, and not whether characters or bytes
    no_postcode: str = "000000"  # what Jiangsu's forms use for an unknown one (CARRIERS §6.5), unconfirmed
    refused_codes: tuple[str, ...] = ("2", "3")
    duplicate_codes: tuple[str, ...] = ("5",)
    empty_means_absent: bool = True  # unconfirmed: success without a line may also mean «nothing has moved yet»
    # unconfirmed (M): what each letter of STATUS means. One that stands in neither setting a person reads.
    letters: Mapping[str, News] = {
        "A": News.COLLECTED,
        "B": News.COLLECTED,
        "D": News.IN_TRANSIT,
        "E": News.OUT_FOR_DELIVERY,
        "F": News.RETURNED,
    }
    # unconfirmed: the dictionary that was found has no letter for «signed by the addressee»; C and G are guesses
    delivered_letters: tuple[str, ...] = ()
    ask_floor: timedelta = timedelta(minutes=10)


class OidcClient(Limits):
    """We as a client of an identity service (统一身份认证) that speaks OpenID Connect; without it there is none."""

    issuer: str  # exactly as the service names itself, as https://sso.example.gov.cn/realms/staff
    client_id: str
    client_secret: SecretStr = SecretStr("")  # none: a public client, protected by PKCE alone
    title: str = "统一身份认证"
    answer_seconds: float = 10.0
    leeway_seconds: int = 60  # by which its clock may differ from ours

    @field_validator("issuer")
    @classmethod
    def _nobody_between(cls, issuer: str) -> str:
        """Whoever could change an answer on its way would be anybody."""
        told = urlsplit(issuer)
        if told.scheme != "https" and not (
            told.scheme == "http" and told.hostname in {"127.0.0.1", "::1", "localhost"}
        ):
            raise ValueError("oidc.issuer 须是 https 地址（练习用的本机服务除外）。")
        return issuer
