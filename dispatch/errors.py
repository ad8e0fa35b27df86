"""What can go wrong, in words for people.

ZhuandiError              anything this service says about itself: what happened, to what, what to do
├── NotFoundError         there is no such case, waybill, client …
├── ConflictError         it stands, but with other content or in another state
├── NotAllowedError       the act is not on the journey, or the law forbids the route
├── HeldBackError         not before the restored database is reconciled: the job waits, and nothing was done
└── LeaseLostError        another worker holds this job now; our outcome must not be written
"""


class ZhuandiError(Exception):
    """Base of every error whose text is meant for a person (Chinese, complete sentences)."""


class NotFoundError(ZhuandiError):
    """What was asked for does not exist."""


class ConflictError(ZhuandiError):
    """The same key came with other content; `differs` names the fields."""

    def __init__(self, words: str, differs: tuple[str, ...] = ()) -> None:
        super().__init__(words)
        self.differs = differs


class NotAllowedError(ZhuandiError):
    """The act is not possible in this state."""


class HeldBackError(ZhuandiError):
    """Not before the restored database is reconciled with the carriers."""


class LeaseLostError(ZhuandiError):
    """The fencing token of a job is no longer ours: somebody else took the job over."""
