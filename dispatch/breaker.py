"""A sick carrier is one carrier: each account has its breaker and its rate, in the database, for all workers.

Closed, calls pass at the permitted rate. After a run of calls without an answer, or at the first word that our
account is not accepted, it opens: work waits, with the reason in sight. A carrier that asks for patience (429, or
503 with Retry-After) opens it for as long, without an alarm. When its time is over one call is let through; if that
is answered the breaker closes, and what waits drains at the permitted rate.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column
from uuid_utils.compat import uuid7

from dispatch import worklist
from dispatch.carrier import Carrier, CarrierError, Limits, NoAnswer, Throttled, Unauthorised, Unavailable
from dispatch.crash import Deed
from dispatch.db import Base, RowId
from dispatch.worklist import Reason
from dispatch.world import World

SHORT = timedelta(seconds=1)
"""A turn that comes this soon is waited for; a later one is not: the job comes back."""
THROTTLED = timedelta(seconds=5)  # where the carrier asks for patience and does not say how much


class Breaker(Base):
    """The health of one account, on the database's clock. Closed where `open_until` is empty."""

    __tablename__ = "breakers"

    id: Mapped[RowId]
    account: Mapped[str] = mapped_column(unique=True)
    failures: Mapped[int] = mapped_column(default=0)  # calls in a row that were not answered, since it last opened
    openings: Mapped[int] = mapped_column(default=0)  # in a row: each waits longer
    opened_at: Mapped[datetime | None]
    open_until: Mapped[datetime | None]
    reason: Mapped[bytes | None]  # sealed: it may hold the carrier's words
    next_turn_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now: how long, and why."""

    wait: timedelta
    words: str


@dataclass(frozen=True, slots=True)
class Turn:
    """Now. `tries_until`: this call tries for all others of a breaker that was open; they wait until then."""

    tries_until: datetime | None = None


def subject_of(account: str) -> str:
    """How the worklist names an account."""
    return f"account:{account}"


def gate(world: World, carrier: Carrier, sleep: Callable[[float], None] = time.sleep) -> Wait | Turn:
    """Whether a call to this carrier may be made now. A turn that comes within a moment is waited for here.

    Who was let through and says nothing after all gives the turn back (`give_back`).
    """
    with world.sessions.begin() as session:
        wait = _take_turn(session, carrier)
        if wait is None:
            breaker, now = _locked(session, carrier.account_name)
            if breaker.open_until is None:
                wait = _take_turn(session, carrier)
                if wait is None:
                    return Wait(breaker.next_turn_at - now, "按寄递企业允许的速度排队。")
            elif breaker.open_until > now:
                return Wait(breaker.open_until - now, world.vault.open(breaker, "reason") or "")
            else:
                breaker.open_until = now + world.settings.breaker_probe  # this call tries; the others wait for it
                breaker.failures = world.settings.breaker_failures - 1  # and its silence is enough
                return Turn(breaker.open_until)
    if wait > timedelta(0):
        sleep(wait.total_seconds())
    return Turn()


TAKE_TURN = text("""
    UPDATE breakers SET next_turn_at = greatest(next_turn_at, clock_timestamp()) + CAST(:pause AS interval)
    WHERE account = :account AND open_until IS NULL AND next_turn_at <= clock_timestamp() + CAST(:short AS interval)
    RETURNING next_turn_at - CAST(:pause AS interval) - clock_timestamp()
""")


def _take_turn(session: Session, carrier: Carrier) -> timedelta | None:
    """How long until the turn that was taken; None where the breaker is open, new, or the turn is too far away."""
    told = {"account": carrier.account_name, "short": SHORT, "pause": _pause(carrier.limits)}
    wait: timedelta | None = session.scalar(TAKE_TURN, told)
    return wait


def give_back(world: World, carrier: Carrier, turn: Turn) -> None:
    """Nothing was said in this turn: where it was to try for the others, one of them tries now."""
    if turn.tries_until is None:
        return
    unused = (Breaker.account == carrier.account_name, Breaker.open_until == turn.tries_until)
    with world.sessions.begin() as session:
        session.execute(update(Breaker).where(*unused).values(open_until=func.now()))


def _pause(limits: Limits) -> timedelta:
    return timedelta(seconds=1 / limits.per_second)


def report(world: World, carrier: Carrier, error: CarrierError | None, took: timedelta = timedelta(0)) -> None:
    """What a call that took so long told of the account's health. A refusal of the business is an answer too."""
    if not isinstance(error, Unauthorised | Unavailable | NoAnswer) and _is_well(world, carrier):
        return
    with world.begin(Deed.HEALTH) as session:
        breaker, now = _locked(session, carrier.account_name)
        match error:
            case Throttled():
                # Not sick: the whole account pauses, in words that a clerk can see.
                _open(world, session, carrier, now, error.retry_after or THROTTLED, error, alarm=False)
            case Unauthorised():
                _open(world, session, carrier, now, world.settings.breaker_unauthorised, error, alarm=True)
            case Unavailable() | NoAnswer():
                _failed(world, session, carrier, breaker, now, error)
            case _ if breaker.opened_at is None or breaker.opened_at <= now - took:
                _close(world, session, breaker, carrier.account_name)
            case _:
                pass  # it was on its way when the breaker opened: what was found then is newer


def _is_well(world: World, carrier: Carrier) -> bool:
    """Whether nothing is held against this account, so that an answer changes nothing; nobody waits for its row."""
    well = (Breaker.failures == 0, Breaker.openings == 0, Breaker.open_until.is_(None))
    with world.reading() as session:
        found = session.scalar(select(Breaker.id).where(Breaker.account == carrier.account_name, *well))
    return found is not None


def _failed(
    world: World,
    session: Session,
    carrier: Carrier,
    breaker: Breaker,
    now: datetime,
    error: Unavailable | NoAnswer,
) -> None:
    breaker.failures += 1
    longest, told = world.settings.breaker_longest, error.retry_after or timedelta(0)
    if breaker.failures < world.settings.breaker_failures:
        # That of a call, too, which was on its way when the breaker opened: it told nothing new.
        if told:  # 503 with Retry-After: it asks for patience, and that is no alarm yet
            _open(world, session, carrier, now, min(told, longest), error, alarm=False)
        return
    breaker.failures, breaker.openings = 0, breaker.openings + 1
    wait = min(longest, world.settings.breaker_first * 2 ** min(breaker.openings - 1, 16))
    _open(world, session, carrier, now, min(max(wait, told), longest), error, alarm=True)


def _open(
    world: World,
    session: Session,
    carrier: Carrier,
    now: datetime,
    wait: timedelta,
    error: CarrierError,
    *,
    alarm: bool,
) -> None:
    breaker, _ = _locked(session, carrier.account_name)
    breaker.opened_at = breaker.opened_at or now
    if breaker.open_until is None or breaker.open_until <= now + wait:
        breaker.open_until = now + wait
        world.vault.seal(breaker, "reason", str(error))  # else the longer pause holds, and its reason
    if alarm:
        reason = Reason.ACCOUNT_REFUSED if isinstance(error, Unauthorised) else Reason.POST_SICK
        subject, since = subject_of(carrier.account_name), breaker.opened_at.isoformat()
        worklist.put(world, session, reason, subject, cause=since, detail=str(error))


def _close(world: World, session: Session, breaker: Breaker, account: str) -> None:
    breaker.failures = breaker.openings = 0
    if breaker.open_until is not None:
        breaker.opened_at = breaker.open_until = breaker.reason = None
        reasons = [Reason.POST_SICK, Reason.ACCOUNT_REFUSED]
        worklist.settle_by_itself(world, session, subject_of(account), reasons)


def _locked(session: Session, account: str) -> tuple[Breaker, datetime]:
    """The account's row, locked, and the database's time."""
    row = select(Breaker, func.clock_timestamp()).where(Breaker.account == account).with_for_update()
    if (found := session.execute(row).one_or_none()) is None:
        values = {"id": uuid7(), "account": account, "failures": 0, "openings": 0, "next_turn_at": func.now()}
        session.execute(insert(Breaker).values(**values).on_conflict_do_nothing(index_elements=["account"]))
        found = session.execute(row).one()
    breaker, now = found
    return breaker, now


def breakers(session: Session) -> list[Breaker]:
    """All accounts that were ever called."""
    return list(session.scalars(select(Breaker).order_by(Breaker.account)))
