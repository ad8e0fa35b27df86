"""The words of the pages: Chinese in the pages themselves, English from the catalogues beside this module.

One catalogue for each area (`words/*.po`), so that whoever writes a page writes its words beside it. A word without
an English one is shown in Chinese; a test finds it.
"""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po
from starlette.requests import Request

WORDS = Path(__file__).parent / "words"
CHINESE, ENGLISH = "zh-CN", "en"
LANGUAGES = {CHINESE: "中文", ENGLISH: "English"}
COOKIE = "zhuandi_language"

Gettext = Callable[[str], str]


@cache
def english() -> Mapping[str, str]:
    """Every translated word."""
    found: dict[str, str] = {}
    for file in sorted(WORDS.glob("*.po")):
        with file.open("rb") as opened:
            catalogue = read_po(opened, locale="en")
        found |= {str(message.id): str(message.string) for message in catalogue if message.id and message.string}
    return found


def gettext_in(language: str) -> Gettext:
    """What turns a Chinese word into this language."""
    if language == CHINESE:
        return str
    return lambda word: english().get(word, word)


def language_of(request: Request) -> str:
    """What was chosen, or Chinese: the browser's own wish is not asked, for a desk is shared."""
    chosen = request.cookies.get(COOKIE, CHINESE)
    return chosen if chosen in LANGUAGES else CHINESE
