"""The applicant's request to have things carried (寄递申请单), and the kinds of text that its fields are made of."""

from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from dispatch.approval.fields import address as addresses
from dispatch.approval.fields import text
from dispatch.approval.fields.phone import phone_number
from dispatch.approval.fields.text import WrongError
from dispatch.approval.fields.way import Way


def line(limit: int) -> AfterValidator:
    """One line of text, normalised, at most `limit` characters."""
    return AfterValidator(lambda value: text.one_line(value, limit))


def number(limit: int) -> AfterValidator:
    """Somebody else's number, kept as it is, at most `limit` characters."""
    return AfterValidator(lambda value: text.opaque(value, limit))


def _drawable(value: str, info: ValidationInfo) -> str:
    missing = (info.context or {}).get("undrawable", _nothing)(value)
    if missing:
        named = "、".join(f"“{c}”（{text.code_point(c)}）" for c in missing)
        raise WrongError(f"有生僻字或符号，面单字库里没有：{named}", "核对证件上的用字；确为此字的，转人工办理")
    return value


def _nothing(_: str) -> list[str]:
    return []


Drawn = AfterValidator(_drawable)
ShortLine = Annotated[str, line(50)]
Line = Annotated[str, line(100)]
LongLine = Annotated[str, line(200)]


class Strict(BaseModel):
    """Nothing converted silently, nothing unknown, nothing changed later; no values in error texts or in `repr`."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)
    _shown: ClassVar[tuple[str, ...]] = ()

    def __repr_args__(self) -> Iterable[tuple[str, object]]:
        """Only what names no person: these objects end up in tracebacks and logs."""
        return [(name, getattr(self, name)) for name in self._shown]


class Slip(Strict):
    """The applicant's request to have the result carried (寄递申请单).

    The address comes in parts, or as one free line in `address`, which is read into the parts and then dropped.
    `point` names the locker, station or post office and is required for these ways, refused for the door.
    `point_at_address`: the locker stands at the delivery address. `brought_to_door`: the village station brings it.
    """

    _shown = ("way", "county", "town")

    recipient_name: Annotated[str, line(100), Drawn]
    phone: Annotated[str, AfterValidator(phone_number)]
    address: Annotated[str | None, Field(max_length=300)] = None
    province: str = Field(default="", validate_default=True)
    city: str = Field(default="", validate_default=True)
    county: str = Field(default="", validate_default=True)
    town: str = Field(default="", validate_default=True)
    detail: str = Field(default="", validate_default=True)
    postcode: Annotated[str, Field(pattern=r"^[0-9]{6}$")] | None = None
    way: Way
    point: Annotated[str, line(100), Drawn] | None = Field(default=None, validate_default=True)
    point_at_address: bool = False
    brought_to_door: bool = False
    proxy_allowed: bool = False

    @model_validator(mode="before")
    @classmethod
    def _read_the_line(cls, given: object) -> object:
        """Fill the parts from a complete free line; an incomplete one stays, to be refused as `address`."""
        if not isinstance(given, Mapping) or not isinstance(given.get("address"), str):
            return given
        if any(given.get(part) for part in addresses.PARTS):
            return given
        place = addresses.read_line(given["address"][:300])
        if place.missing():
            return given
        return {**given, "address": None, **{part: getattr(place, part) for part in addresses.PARTS}}

    @field_validator("address", mode="after")
    @classmethod
    def _address_must_have_been_read(cls, value: str | None) -> str | None:
        if value is None or not value.strip():
            return None
        place = addresses.read_line(value)
        addresses.complete_or_wrong(place)
        raise WrongError("又填了整行地址，又填了分列地址", "只填一种，另一种清空")

    @field_validator(*addresses.PARTS, mode="after")
    @classmethod
    def _part(cls, value: str, info: ValidationInfo) -> str:
        if "address" not in info.data:  # already refused, with all that it lacks
            return value
        part = str(info.field_name)
        if not value.strip():
            known = {name: info.data.get(name, "?") for name in addresses.PARTS if name != part}
            if part in addresses.Place(**known).missing():
                raise WrongError("没有填", addresses.RIGHT)
            return ""
        return _drawable(text.one_line(value, 200 if part == "detail" else 50), info)

    @field_validator("point", mode="after")
    @classmethod
    def _point_belongs_to_the_way(cls, value: str | None, info: ValidationInfo) -> str | None:
        way = info.data.get("way")
        if way is Way.DOOR and value is not None:
            raise WrongError("投递方式是“须上门投递”，却又指定了投递点", "清空投递点，或改投递方式")
        if way not in (None, Way.DOOR) and value is None:
            raise WrongError("没有填", f"投递方式是“{way.chinese}”，写明是哪一处")
        return value

    @field_validator("point_at_address", "brought_to_door", mode="after")
    @classmethod
    def _flag_belongs_to_the_way(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic's form
        only = Way.LOCKER if info.field_name == "point_at_address" else Way.VILLAGE_STATION
        if value and info.data.get("way", only) is not only:
            raise WrongError(f"只有投递方式是“{only.chinese}”时才能填是", "改为否，或改投递方式")
        return value
