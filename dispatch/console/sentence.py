"""What functions say, in the reader's language.

The rooms know one language: an error, a row's outcome, a line of a case's story is a finished Chinese sentence, and
may have been stored long before somebody reads it. So a sentence is turned where it is shown. The catalogue holds its
template, `运单 {} 已交给{}。`, and the English one, whose holes are taken in order or by number. What stands in a
hole is turned too where it is a word or a sentence itself. A hole written `{!s}` holds what somebody typed or is
called: it stays as it is. A hole written `{!r}` holds a reason that was chosen or typed: only one of those that are
offered is turned, alone or before somebody's own words. Whatever has no template stays as it is.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from string import Formatter

from dispatch.approval.hold_reason import HOLD_REASONS
from dispatch.console.language import CHINESE, english

HAN = re.compile(r"[㐀-鿿]")
STOP, COMMAS = "。", (("；", "; "), ("、", ", "), ("，", ", "))
SENTENCE = re.compile(r"\n|[^。\n]*。|[^。\n]+")
LABELLED = re.compile(r"([^：。“]+)(“[^”]*”)?：(.+)", re.DOTALL)
QUALIFIED = re.compile(r"([^（）]+)（([^（）]+)）")
DATED = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d )(.+)", re.DOTALL)
LONGEST = 2000
"""Characters; what is longer is somebody's letter, not a sentence of ours."""
TOGETHER = 4
"""How many sentences one template spans at most."""


@dataclass(frozen=True, slots=True)
class Template:
    """A sentence with holes: the Chinese between them, and the English one in pieces."""

    literals: tuple[str, ...]
    pieces: tuple[tuple[str, int | None, str], ...]
    weight: int
    """Characters of its own: the more, the surer."""
    mark: str
    """The longest piece of its own, by which most other texts are known not to be it."""

    def may_be(self, text: str) -> bool:
        """Whether the text begins and ends as it does, and has its mark."""
        return self.mark in text and text.startswith(self.literals[0]) and text.endswith(self.literals[-1])

    def holes(self, text: str) -> Sequence[str] | None:
        """What stands in the holes of a text that may be it, each as short as can be; None where it is another.

        Looked for from left to right without ever going back, so that no text takes long.
        """
        first, *middle, last = self.literals
        if len(text) < len(first) + len(last):
            return None
        found, at, end = [], len(first), len(text) - len(last)
        for literal in middle:
            place = text.find(literal, at, end)
            if place < 0:
                return None
            found.append(text[at:place])
            at = place + len(literal)
        return [*found, text[at:end]]

    def fill(self, holes: Sequence[str], turn: Callable[[str], str]) -> str:
        """The English sentence."""
        ways: Mapping[str, Callable[[str], str]] = {"": turn, "r": _reason, "s": str}
        return "".join(
            literal + ("" if hole is None else ways[kind](holes[hole])) for literal, hole, kind in self.pieces
        )


def said_in(language: str) -> Callable[[str], str]:
    """What turns a finished Chinese sentence into this language."""
    return str if language == CHINESE else in_english


def in_english(text: str) -> str:
    """The sentence, word, list of them, or several sentences in a row; what is unknown stays as it is."""
    if not HAN.search(text) or len(text) > LONGEST:
        return text
    whole = _whole(text)
    return _one_after_another(text) if whole is None else whole


def _reason(text: str) -> str:
    chosen, mark, own = text.partition("：")
    if chosen not in HOLD_REASONS:
        return text
    return f"{english()[chosen]}: {own}" if mark else english()[chosen]


def parse(template: str) -> list[tuple[str, int | None, str]]:
    """Its pieces: text, the number of the hole after it (after the last, none), and that hole's kind (`s`, `r`)."""
    pieces: list[tuple[str, int | None, str]] = []
    for literal, field, _, conversion in Formatter().parse(template):
        hole = None if field is None else int(field) if field else len(pieces)
        pieces.append((literal, hole, conversion or ""))
    return pieces


def is_sentence(message: str) -> bool:
    """Whether it is a template of this module; a hole with a name is filled before it is shown."""
    return "{}" in message


def _whole(text: str) -> str | None:
    """All of it is known: one sentence, what is wrong with a field, or a list."""
    return _one(text) or _labelled(text) or _qualified(text) or _dated(text) or _list(text)


def _one(text: str) -> str | None:
    """A word or a sentence; with a full stop after it where a longer sentence put one."""
    if not HAN.search(text):
        return text
    told = _plain(text)
    if told is None and text.endswith(STOP):
        told = _plain(text[:-1])
        return told and f"{told}."
    return told


def _plain(text: str) -> str | None:
    if found := english().get(text):
        return found
    for template in _like(text):
        holes = template.holes(text)
        if holes is not None:
            return template.fill(holes, in_english)
    return None


def _labelled(text: str) -> str | None:
    """`收件人“王某某”：没有填。`, where 收件人 is a word that is known."""
    found = LABELLED.fullmatch(text)
    if found is None or found[1] not in english():
        return None
    return f"{english()[found[1]]}{f' {found[2]}' if found[2] else ''}: {in_english(found[3])}"


def _qualified(text: str) -> str | None:
    """`本中心，待封装（1100000000025）`, where what stands before the bracket is known."""
    found = QUALIFIED.fullmatch(text)
    turned = _one(found[1]) if found else None
    return f"{turned} ({in_english(found[2])})" if found and turned else None


def _dated(text: str) -> str | None:
    """`2026-11-23 10:20 “轨迹停滞”因有进展自行了结`: the moment stays in front."""
    found = DATED.fullmatch(text)
    turned = _whole(found[2]) if found else None
    return f"{found[1]}{turned}" if found and turned else None


def _list(text: str) -> str | None:
    """Only where each of its pieces is known: a list of names, or a note, is left alone."""
    for mark, comma in COMMAS:
        if mark in text:
            turned = _all_turned(text.split(mark), mark)
            if turned:
                return comma.join(turned)
    return None


def _all_turned(pieces: list[str], mark: str) -> list[str]:
    """Piece by piece, of which one may hold the mark itself; empty as soon as one is unknown."""
    turned = []
    while pieces:
        longer = (many for many in range(min(TOGETHER, len(pieces)), 1, -1) if _one(mark.join(pieces[:many])))
        many = next(longer, 1)
        words = _one(mark.join(pieces[:many])) if many > 1 else _whole(pieces[0])
        if words is None:
            return []
        turned.append(words)
        pieces = pieces[many:]
    return turned


def _one_after_another(text: str) -> str:
    """Sentence by sentence, as many at once as one template takes."""
    left = SENTENCE.findall(text)
    told = ""
    while left:
        taken, words = next(_known(left), (1, left[0]))
        told += f" {words}" if told and told[-1] != "\n" and words != "\n" and told[-1].isascii() else words
        left = left[taken:]
    return told


def _known(left: Sequence[str]) -> Iterator[tuple[int, str]]:
    """How many of these sentences are known together, the most first, and what they say."""
    for many in range(min(TOGETHER, len(left)), 0, -1):
        words = _whole("".join(left[:many]))
        if words is not None:
            yield many, words


def _like(text: str) -> list[Template]:
    """The templates that begin and end as this text does, the surest first."""
    known = (template for key in _keys(text) for template in _templates().get(key, ()))
    found = [template for template in known if template.may_be(text)]
    return sorted(found, key=lambda template: -template.weight)


def _keys(text: str) -> Iterator[tuple[str, str]]:
    yield from (("begins", text[:many]) for many in (2, 1))
    yield from (("ends", text[-many:]) for many in (2, 1))
    yield "", ""


@cache
def _templates() -> Mapping[tuple[str, str], list[Template]]:
    """All of them, by how they begin, or by how they end where they begin with a hole."""
    found: defaultdict[tuple[str, str], list[Template]] = defaultdict(list)
    for chinese, turned in english().items():
        if is_sentence(chinese):
            template = _template(chinese, turned)
            first, last = template.literals[0], template.literals[-1]
            key = ("begins", first[:2]) if first else ("ends", last[-2:]) if last else ("", "")
            found[key].append(template)
    return found


def _template(chinese: str, turned: str) -> Template:
    pieces = parse(chinese)
    after = () if pieces[-1][1] is None else ("",)
    literals = (*(literal for literal, _, _ in pieces), *after)
    return Template(literals, tuple(parse(turned)), sum(map(len, literals)), max(literals, key=len))
