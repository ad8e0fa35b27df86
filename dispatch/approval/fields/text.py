"""Plain text: one line, normalised, without characters that no person typed."""

import unicodedata

# Controls, surrogates, unassigned points, and formats (zero width, direction switches) hide in pasted text.
_INVISIBLE = {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}


class WrongError(ValueError):
    """A value that cannot be taken. `right`, where given, is better advice than the column's own explanation.

    Neither quotes the value: it may be anybody's name in the wrong column, and stands beside them, masked on a page.
    """

    def __init__(self, wrong: str, right: str | None = None) -> None:
        super().__init__(wrong)
        self.wrong = wrong
        self.right = right


def code_point(character: str) -> str:
    """`U+20BB7` and the like."""
    return f"U+{ord(character):04X}"


def half_width(text: str) -> str:
    """Full-width digits, letters and signs as ordinary ones, outer space gone (NFKC: for numbers, not names)."""
    return unicodedata.normalize("NFKC", text).strip()


def one_line(text: str, limit: int) -> str:
    """NFC text of 1 to `limit` characters without invisible or private-use characters; raises `WrongError`."""
    clean = unicodedata.normalize("NFC", text).strip()
    if not clean:
        raise WrongError("没有填")
    for character in clean:
        _refuse_unseen(character)
    if len(clean) > limit:
        raise WrongError(f"太长，有{len(clean)}个字", f"不超过{limit}个字")
    return clean


def opaque(text: str, limit: int) -> str:
    """A number that is somebody else's: kept as it is, 1 to `limit` printable characters, no space."""
    if not text:
        raise WrongError("没有填")
    bad = next((c for c in text if c.isspace() or not c.isprintable()), None)
    if bad is not None:
        raise WrongError(f"含有空格或看不见的字符（{code_point(bad)}）", "去掉空格、换行和看不见的字符")
    if len(text) > limit:
        raise WrongError(f"太长，有{len(text)}个字符", f"不超过{limit}个字符")
    return text


def _refuse_unseen(character: str) -> None:
    category = unicodedata.category(character)
    if category == "Co":
        # Old 方正 and GBK systems kept rare names there; another machine shows another character or none.
        raise WrongError(
            f"含有自造字（{code_point(character)}），换一台电脑就不是这个字",
            "用国家标准编码的字重新录入，以身份证上的字为准",
        )
    if category in _INVISIBLE:
        raise WrongError(f"含有看不见的字符（{code_point(character)}）", "删去后重新录入")
