"""The plans of whatever statements the service tells, on a database that has grown."""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import make_url

PLANNED = re.compile(r"^(WITH|SELECT|INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
WHOLE = "Seq Scan"


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement, how PostgreSQL would do it whatever its values, and which growing tables it would read whole."""

    statement: str
    nodes: tuple[str, ...]
    whole: tuple[str, ...]


def plans(url: str, statements: Collection[str], growing: Collection[str]) -> list[Plan]:
    """The generic plans; what cannot be planned without its values is left out."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        found = [_plan(connection, words, growing) for words in sorted(statements) if PLANNED.match(words)]
    return [plan for plan in found if plan is not None]


def _plan(connection: psycopg.Connection[Any], words: str, growing: Collection[str]) -> Plan | None:
    try:
        # Without parameters of its own the client sends the text as it is, with the $1 in it.
        told = connection.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {words}".encode()).fetchone()
    except psycopg.errors.SyntaxError:
        raise
    except psycopg.Error:
        return None
    nodes = list(_nodes((told[0] if isinstance(told[0], list) else json.loads(told[0]))[0]["Plan"])) if told else []
    return Plan(
        words,
        tuple(f"{kind} {of}".strip() for kind, of in nodes),
        tuple(sorted({of for kind, of in nodes if kind.endswith(WHOLE) and of in growing})),
    )


def _nodes(plan: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield plan["Node Type"], str(plan.get("Index Name") or plan.get("Relation Name") or "")
    for below in plan.get("Plans", ()):
        yield from _nodes(below)
