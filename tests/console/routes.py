"""Every route of the site, whoever wrote it: its address, its method, and the rights that its guard asks for."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Any
from urllib.parse import quote
from uuid import UUID

from fastapi.dependencies.models import Dependant
from pydantic import BaseModel
from starlette.datastructures import UploadFile

from dispatch.staff.role import RIGHTS, Right, Role

NOWHERE = "00000000-0000-7000-8000-00000000ffff"
"""An id that no record has."""
PUBLIC = {
    ("GET", "/console/sign-in"),
    ("POST", "/console/sign-in"),
    ("GET", "/console/sign-in/code"),
    ("POST", "/console/sign-in/code"),
    ("GET", "/console/sso"),
    ("GET", "/console/sso/back"),
    ("POST", "/console/language"),
    ("GET", "/console/assets/{digest}/{name:path}"),
}
"""What answers whoever asks. A line here is a decision: nothing behind it may be anybody's."""


@dataclass(frozen=True)
class Route:
    """One method at one address. `rights` None: no guard; empty: anybody who is signed in."""

    method: str
    path: str
    rights: frozenset[Right] | None
    params: Mapping[str, Any] = field(compare=False)
    fields: Mapping[str, Any] = field(compare=False)
    query: Mapping[str, Any] = field(compare=False)

    @property
    def url(self) -> str:
        """With ids that do not exist."""
        found = self.path.replace(":path}", "}")
        return found.format_map({name: _sample(kind) for name, kind in self.params.items()})

    def url_of(self, **told: str) -> str:
        """With these words in the path, encoded; ids that do not exist in all other places."""
        found = self.path.replace(":path}", "}")
        return found.format_map({name: quote(told.get(name, _sample(kind))) for name, kind in self.params.items()})

    @property
    def filled(self) -> dict[str, str]:
        """A form with something in every field that is no file."""
        return {name: _sample(kind) for name, kind in self.fields.items() if not _is_file(kind)}

    def open_to(self, role: Role) -> bool:
        """Whether this role has a right that opens it."""
        return self.rights is not None and (not self.rights or bool(self.rights & RIGHTS[role]))


def _sample(kind: Any) -> str:
    told = str(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return str(next(iter(kind)).value)
    if kind is int or "int" in told:
        return "7"
    if kind is bool or "bool" in told:
        return "true"
    if kind is date or "date" in told:
        return "2026-11-02"
    return NOWHERE


def _is_file(kind: Any) -> bool:
    return (isinstance(kind, type) and issubclass(kind, UploadFile)) or "UploadFile" in str(kind)


def every_route(app: Any) -> list[Route]:
    """Those of the application and of every router in it, and in those."""
    return [each for found in _walk(app.routes) for each in _told(found)]


def console_routes(app: Any) -> list[Route]:
    """Those of the counter."""
    return [route for route in every_route(app) if route.path.startswith("/console")]


def _walk(routes: Collection[Any]) -> Iterator[Any]:
    for route in routes:
        if contexts := getattr(route, "effective_route_contexts", None):
            yield from contexts()
        elif inner := getattr(route, "routes", None):
            yield from _walk(inner)
        else:
            yield route


def _told(route: Any) -> Iterator[Route]:
    dependant: Dependant | None = getattr(route, "dependant", None)
    asked = [_rights(each) for each in _dependants(dependant)] if dependant else []
    rights = next((found for found in asked if found is not None), None)
    params = {one.name: one.field_info.annotation for one in dependant.path_params} if dependant else {}
    whole = list(_dependants(dependant)) if dependant else []
    fields = {
        name: kind
        for each in ([dependant] if dependant else []) + whole
        for one in each.body_params
        for name, kind in _form(one.alias, one.field_info.annotation)
    }
    query = {one.alias: one.field_info.annotation for one in dependant.query_params} if dependant else {}
    for method in sorted((getattr(route, "methods", None) or set()) - {"HEAD", "OPTIONS"}):
        yield Route(method, route.path, rights, params, fields, query)


def _form(name: str, kind: Any) -> Iterator[tuple[str, Any]]:
    """A field; or those of a form that is told as a whole."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from ((one, told.annotation) for one, told in kind.model_fields.items())
    else:
        yield name, kind


def _dependants(dependant: Dependant) -> Iterator[Dependant]:
    for inner in dependant.dependencies:
        yield inner
        yield from _dependants(inner)


def _rights(dependant: Dependant) -> frozenset[Right] | None:
    found = getattr(dependant.call, "rights", None)
    return None if found is None else frozenset(found)


assert UUID(NOWHERE)
