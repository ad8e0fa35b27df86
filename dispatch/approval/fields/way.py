"""The ways of delivery and their words."""

from enum import StrEnum


class Way(StrEnum):
    """The way of delivery that the applicant agreed to, and that the waybill says."""

    DOOR = "door"
    LOCKER = "locker"
    VILLAGE_STATION = "village_station"
    POST_OFFICE = "post_office"

    @property
    def chinese(self) -> str:
        """The words on the slip and on the waybill."""
        return _WORDS[self]


_WORDS = {
    Way.DOOR: "须上门投递",
    Way.LOCKER: "智能快件箱",
    Way.VILLAGE_STATION: "村邮站",
    Way.POST_OFFICE: "邮局自取",
}
