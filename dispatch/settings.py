"""Settings: from the environment (ZHUANDI_…), then from `zhuandi.json` (0600) in the home folder, then defaults.

Times and patience are settings because the hall's practice differs (HALL.md: what is judgement is a setting).
"""

import json
import os
from collections.abc import Mapping
from datetime import time, timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, Field, IPvAnyNetwork, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    JsonConfigSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from dispatch.accounts import (
    ByHandAccount,
    EmsAccount,
    GovEmsAccount,
    KdniaoAccount,
    Kuaidi100Account,
    OidcClient,
    SfAccount,
    TrackedCarrier,
)
from dispatch.errors import ZhuandiError
from dispatch.journey import AT_AN_END, View

SETTINGS_FILE = "zhuandi.json"


def home_folder() -> Path:
    """Where keys, accounts, papers and the embedded database live: ZHUANDI_HOME, or the user's data folder."""
    if named := os.environ.get("ZHUANDI_HOME"):
        return Path(named).expanduser().resolve()
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return (Path(data) / "zhuandi").resolve()


class Centre(BaseModel):
    """The government service centre (政务服务中心) that sends: its address stands on the label as sender."""

    code: str = "331127"
    name: str = "景宁畲族自治县政务服务中心"
    phone: str = "0578-5082345"
    province: str = "浙江省"
    city: str = "丽水市"
    county: str = "景宁畲族自治县"
    address: str = "红星街道人民中路1号政务服务中心一楼"
    postcode: str = "323500"


PATIENCE: Mapping[View, timedelta] = {
    View.GATHERING: timedelta(hours=4),
    View.TO_BOOK: timedelta(minutes=30),
    View.BOOKING: timedelta(minutes=10),
    View.IN_DOUBT: timedelta(hours=3),
    View.REFUSED: timedelta(days=1),
    View.TO_PRINT: timedelta(days=1),
    View.TO_PACK: timedelta(hours=8),
    View.TO_HAND_OVER: timedelta(days=1),
    View.CANCELLING: timedelta(hours=1),
    View.HANDED_OVER: timedelta(days=1),
    View.IN_TRANSIT: timedelta(hours=72),
    View.OUT_FOR_DELIVERY: timedelta(hours=24),
    View.ATTEMPT_FAILED: timedelta(hours=48),
    View.AWAITING_PICKUP: timedelta(hours=48),
    View.DELIVERED: timedelta(hours=4),
    View.RETURNING: timedelta(hours=72),
    View.RETURNED: timedelta(days=3),
    View.LOST: timedelta(days=3),
}
assert set(PATIENCE) == set(View) - AT_AN_END  # noqa: S101 - a view without patience would wait unseen


RHYTHM: Mapping[View, timedelta] = {
    View.HANDED_OVER: timedelta(hours=12),
    View.IN_TRANSIT: timedelta(hours=12),
    View.OUT_FOR_DELIVERY: timedelta(hours=6),
    View.ATTEMPT_FAILED: timedelta(hours=12),
    View.AWAITING_PICKUP: timedelta(hours=12),
    View.DELIVERED: timedelta(hours=2),
    View.RETURNING: timedelta(hours=24),
}
"""How long a carrier may be silent before it is asked: our judgement, until there is enough to learn from."""
assert RHYTHM.keys() < PATIENCE.keys()  # noqa: S101 - and no other view waits for a carrier's news

LOOPBACK: Any = ("127.0.0.0/8", "::1/128")
PRIVATE: Any = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")


class Settings(BaseSettings):
    """Everything that differs between one centre and the next."""

    model_config = SettingsConfigDict(
        env_prefix="ZHUANDI_", env_nested_delimiter="__", extra="ignore", populate_by_name=True
    )

    home: Path = Field(default_factory=home_folder)
    database_url: str | None = Field(None, validation_alias=AliasChoices("DATABASE_URL", "ZHUANDI_DATABASE_URL"))
    broker_url: str | None = None
    vault_keys: tuple[SecretStr, ...] = ()
    vault_cipher: Literal["aes-256-gcm", "sm4-gcm"] = "aes-256-gcm"  # what seals from now on; both open
    profile: Literal["live", "sandbox"] = "live"
    public_url: str = "http://127.0.0.1:8080"
    listen_host: str = "127.0.0.1"
    listen_port: int = 8080
    centre: Centre = Centre()
    ems: EmsAccount = EmsAccount()
    further_ems: Mapping[str, EmsAccount] = Field(default_factory=dict)  # more agreement accounts, by their name
    sf: SfAccount | None = None
    by_hand: ByHandAccount | None = None
    gov_ems: GovEmsAccount | None = None
    kdniao: KdniaoAccount | None = None
    kuaidi100: Kuaidi100Account | None = None
    tracked: Mapping[str, TrackedCarrier] = Field(default_factory=dict)  # by the word for it in tables: zto

    item_release: Literal["at_once", "when_released"] = "when_released"
    item_grouping: timedelta = timedelta(minutes=30)
    item_published_trips: int = Field(0, ge=0, le=9)  # of a new item: trips to an office (到办事现场次数)
    collection_cut_off: time = time(16, 0)
    collection_rounds: tuple[time, ...] = (time(10, 30), time(16, 0))  # when the postman comes (揽收频次)
    collection_check: time = time(20, 0)  # then what was handed over is compared with what the post has collected
    call_tries: int = Field(3, ge=1)  # telephone calls that reach nobody until the clerk is told that it is enough
    scan_prefix: str = Field("", max_length=8)  # what the hall's scanners put before whatever they read

    patience: Mapping[View, timedelta] = PATIENCE
    case_patience: timedelta = timedelta(days=1)  # for a case that has no envelope yet: paper, hold, release
    hall_open_daily: bool = False  # windows are open on days off too: then the desk's patience does not rest on them
    delivery_working_days: int = Field(10, ge=1, le=60)  # from the decision until it must be in hand (行政许可法)
    after_asking: timedelta = timedelta(minutes=30)  # how long an answer to our question may take to change things
    ask_again: timedelta = timedelta(hours=6)  # once a person has been told, the post is asked so often
    ask_floor: timedelta = timedelta(minutes=10)  # the least time between two questions about one number
    doubt_ladder: tuple[timedelta, ...] = tuple(timedelta(seconds=s) for s in (30, 120, 600, 1800, 7200))
    absences: int = (
        3  # so often a look-up must miss an order, over longer than the carrier settles, until it is absent
    )
    unmatched_grace: timedelta = timedelta(minutes=2)  # a push may overtake the commit of its booking

    numbers_low: float = Field(0.1, ge=0, le=1)  # so much of a segment is left when a person is told
    number_rest: timedelta = timedelta(days=90)  # after a closing its number may come again for another envelope
    look_after_closing: timedelta = timedelta(days=2)  # a delivery may be revoked, and the push of that be lost
    calls_kept: timedelta = timedelta(days=730)  # 邮政法: a claim may be made for a year, and disputes last longer
    pushes_kept: timedelta = timedelta(days=730)  # after they were read, or turned away, for the same disputes
    cases_kept: timedelta = timedelta(days=730)  # who a case was for, after its end; an item may say otherwise
    jobs_kept: timedelta = timedelta(days=90)  # after they were done; what failed, so long after it failed
    rhythm: Mapping[View, timedelta] = RHYTHM
    rhythm_enough: int = 30  # so many passages through a view until its median is believed
    rhythm_factor: float = 2.0  # silence longer than this many medians is asked after
    rhythm_learned: timedelta = timedelta(days=1)  # how often

    breaker_failures: int = 5  # calls in a row without an answer
    breaker_first: timedelta = timedelta(seconds=30)
    breaker_longest: timedelta = timedelta(minutes=10)
    breaker_probe: timedelta = timedelta(seconds=40)
    breaker_unauthorised: timedelta = timedelta(minutes=15)

    unvouched_pushes: Literal["turn_away", "acknowledge"] = "turn_away"  # kept and never read, either way
    refused_pushes_per_hour: int = 2000  # kept with their bytes, for each carrier; a flood of more is only refused

    job_lease: timedelta = timedelta(minutes=2)
    job_retry_first: timedelta = timedelta(seconds=15)
    job_retry_cap: timedelta = timedelta(minutes=30)
    job_tries: int = 5  # failures in a row until a person is told; the job goes on
    job_deaths: int = 5  # workers in a row that ended over a job until it is put off, and a person told
    job_put_off: timedelta = timedelta(hours=6)
    look_after_closing_tries: int = 20  # so often a letter at its end is asked after without an answer, then never
    clock_rhythm: timedelta = timedelta(seconds=30)
    worker_threads: int = 8
    lane_threads: int = 2  # for each carrier: so many calls at once

    metrics_sources: tuple[IPvAnyNetwork, ...] = Field(LOOPBACK, validate_default=True)  # who may read /metrics
    metrics_kept: timedelta = timedelta(seconds=5)  # so long one reading serves every scrape
    otel_endpoint: str | None = None  # an OTLP/HTTP collector, as http://127.0.0.1:4318; wants zhuandi[otel]

    oidc: OidcClient | None = None
    printer_networks: tuple[IPvAnyNetwork, ...] = Field(PRIVATE, validate_default=True)  # where printers may stand
    printer_ports: tuple[int, int] = (9100, 9109)  # from, to; to practise any port on this machine will do
    printer_connect_seconds: float = 5
    printer_seconds: float = Field(40, lt=60)  # to take ten sheets: less than half of a job's lease
    printer_again: timedelta = timedelta(seconds=15)  # a printer that is switched off is tried so often

    session_idle: timedelta = timedelta(minutes=15)  # without a hand on the keys, then the console is locked
    session_longest: timedelta = timedelta(hours=12)  # then everybody signs in again

    token_days: int = 90  # a tracking link lives this long after the closing
    token_misses_per_minute: int = 20

    @model_validator(mode="after")
    def _calls_end_within_their_lease(self) -> "Settings":
        """A worker speaks while half of its lease is left (lease.Claim.may_speak): no call may take longer."""
        further = (self.sf, self.by_hand, self.gov_ems, self.kdniao, self.kuaidi100)
        accounts = [self.ems, *self.further_ems.values(), *(one for one in further if one is not None)]
        longest = max(account.answer_seconds for account in accounts)
        if self.job_lease.total_seconds() / 2 <= longest:
            raise ValueError(f"job_lease 必须长于任何一个账号 answer_seconds 的两倍（现为 {longest:g} 秒）。")
        return self

    @model_validator(mode="after")
    def _cases_outlast_what_the_posts_told(self) -> "Settings":
        """A push tells of several envelopes and is erased whole: it would name people who were to be forgotten."""
        if self.cases_kept < self.pushes_kept:
            raise ValueError(
                f"cases_kept（{self.cases_kept.days} 天）不能短于 pushes_kept（{self.pushes_kept.days} 天）："
                "推送的原文里也有个人信息。请延长 cases_kept，或缩短 pushes_kept。"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of precedence: arguments, environment, the home folder's file."""
        file = JsonConfigSettingsSource(settings_cls, json_file=home_folder() / SETTINGS_FILE)
        return (init_settings, env_settings, file)


class SettingsUnreadableError(ZhuandiError):
    """Settings that cannot be read, or contradict each other. Named is the place and no value, it may be a key."""


def read_settings() -> Settings:
    """What this installation is set to. Raises SettingsUnreadableError."""
    file = home_folder() / SETTINGS_FILE
    try:
        return Settings()
    except json.JSONDecodeError as error:
        raise SettingsUnreadableError(f"{file} 第 {error.lineno} 行第 {error.colno} 列不是合法的 JSON。") from None
    except UnicodeDecodeError:
        raise SettingsUnreadableError(f"{file} 不是 UTF-8 文本。请另存为 UTF-8。") from None
    except ValidationError as error:
        told = "；".join(
            _wrong(one["loc"], one["msg"]) for one in error.errors(include_input=False, include_url=False)
        )
        raise SettingsUnreadableError(f"设置有误：{told}。请改环境变量或 {file}。") from None
    except SettingsError as error:
        raise SettingsUnreadableError(f"环境变量里的设置读不出来：{error}。对象与列表要写成 JSON。") from None


def _wrong(place: tuple[int | str, ...], words: str) -> str:
    told = words.removeprefix("Value error, ").rstrip("。")
    return f"{'.'.join(map(str, place))}：{told}" if place else told
