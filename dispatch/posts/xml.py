"""XML as some posts speak it: read without DTD and entities, written by a serialiser that escapes everything.

A document that brings its own DTD can make a few hundred bytes into gigabytes, or make its reader fetch a file
(CARRIERS §7.1). No post needs one, so none is read.
"""

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement, TreeBuilder, tostring
from xml.parsers import expat

UNCARRIABLE = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 §2.2 cannot carry, and the carriage return, which every reader turns into a line feed."""


def parse(text: str) -> Element:
    """The root element; whatever encoding the text declares is ignored. Raises ValueError, also for any DTD."""
    builder = TreeBuilder()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _refuse  # before anything that stands in the DTD is read
    try:
        parser.Parse(text.lstrip("\ufeff \t\r\n"), True)  # noqa: FBT003 - expat's own signature
    except (expat.ExpatError, UnicodeEncodeError) as error:
        raise ValueError("不是合规的 XML") from error
    return builder.close()


def _refuse(*_: object) -> None:
    raise ValueError("XML 带有 DTD，不予解析")


def named(root: Element, name: str) -> list[Element]:
    """All elements of that name at any depth, the root included, in whatever namespace, in document order."""
    return [element for element in root.iter() if _local(element) == name]


def text_at(element: Element, name: str) -> str:
    """The stripped text of the first child of that name; empty where there is none."""
    return next(((child.text or "").strip() for child in element if _local(child) == name), "")


def _local(element: Element) -> str:
    return element.tag.rpartition(":")[2]


def branch(name: str, fields: Mapping[str, str]) -> Element:
    """An element with one child for each field, in their order."""
    element = Element(name)
    for field, text in fields.items():
        SubElement(element, field).text = carriable(text)
    return element


def carriable(text: str) -> str:
    """The text without the characters that XML 1.0 cannot carry at all (vertical tabs out of spreadsheets)."""
    return UNCARRIABLE.sub("", text)


def written(root: Element) -> str:
    """The document without a declaration; the same text for the same tree."""
    return tostring(root, encoding="unicode", short_empty_elements=False)
