"""Settings: from the environment (ZHUANDI_…), then from `zhuandi.json` (0600) in the home folder, then defaults.

Times and patience are settings because the hall's practice differs (HALL.md: what is judgement is a setting).
"""

import os
from collections.abc import Mapping
from datetime import time, timedelta
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, JsonConfigSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

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


class EmsAccount(BaseModel):
    """An agreement account at China Post/EMS (CARRIERS §1.1). What a repeated order does is unconfirmed."""

    endpoint: str = "https://api.ems.com.cn/amp-prod-api/f/amp/api/open"
    sender_no: str = ""
    authorization: SecretStr = SecretStr("")
    sk: SecretStr = SecretStr("")
    retired_sk: tuple[SecretStr, ...] = ()
    repeats_are_idempotent: bool = False  # unconfirmed: on only where the post has said so for this account
    product: str = "1"  # 特快专递
    weight_grams: int = 200
    # unconfirmed: what is surely a refusal. Any other failure may hide a booking, so it is doubt, not a refusal
    refused_codes: tuple[str, ...] = ()
    duplicate_codes: tuple[str, ...] = ()  # unconfirmed: EMS publishes no list of retCodes
    unauthorised_codes: tuple[str, ...] = ()  # unconfirmed likewise
    no_trace_words: tuple[str, ...] = ("无客户信息", "无查询信息", "查无", "无邮件信息")  # unconfirmed
    connect_seconds: float = 5.0
    answer_seconds: float = 20.0


PATIENCE: Mapping[View, timedelta] = {
    View.GATHERING: timedelta(hours=4),
    View.TO_BOOK: timedelta(minutes=30),
    View.BOOKING: timedelta(minutes=10),
    View.IN_DOUBT: timedelta(hours=3),
    View.REFUSED: timedelta(days=1),
    View.TO_PRINT: timedelta(days=1),
    View.TO_PACK: timedelta(hours=8),
    View.TO_HAND_OVER: timedelta(days=1),
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


class Settings(BaseSettings):
    """Everything that differs between one centre and the next."""

    model_config = SettingsConfigDict(
        env_prefix="ZHUANDI_", env_nested_delimiter="__", extra="ignore", populate_by_name=True
    )

    home: Path = Field(default_factory=home_folder)
    database_url: str | None = Field(None, validation_alias=AliasChoices("DATABASE_URL", "ZHUANDI_DATABASE_URL"))
    broker_url: str | None = None
    vault_keys: tuple[SecretStr, ...] = ()
    profile: Literal["live", "sandbox"] = "live"
    public_url: str = "http://127.0.0.1:8080"
    listen_host: str = "127.0.0.1"
    listen_port: int = 8080
    centre: Centre = Centre()
    ems: EmsAccount = EmsAccount()

    item_release: Literal["at_once", "when_released"] = "when_released"
    item_grouping: timedelta = timedelta(minutes=30)
    collection_cut_off: time = time(16, 0)

    patience: Mapping[View, timedelta] = PATIENCE
    case_patience: timedelta = timedelta(days=1)  # for a case that has no envelope yet: paper, hold, release
    after_asking: timedelta = timedelta(minutes=30)  # how long an answer to our question may take to change things
    ask_again: timedelta = timedelta(hours=6)  # once a person has been told, the post is asked so often
    ask_floor: timedelta = timedelta(minutes=10)  # the least time between two questions about one number
    doubt_ladder: tuple[timedelta, ...] = tuple(timedelta(seconds=s) for s in (30, 120, 600, 1800, 7200))
    unmatched_grace: timedelta = timedelta(minutes=2)  # a push may overtake the commit of its booking

    refused_pushes_per_hour: int = 2000  # kept with their bytes, for each carrier; a flood of more is only refused

    job_lease: timedelta = timedelta(minutes=2)
    job_retry_first: timedelta = timedelta(seconds=15)
    job_retry_cap: timedelta = timedelta(minutes=30)
    clock_rhythm: timedelta = timedelta(seconds=30)
    worker_threads: int = 8

    token_days: int = 90  # a tracking link lives this long after the closing
    token_misses_per_minute: int = 20

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
