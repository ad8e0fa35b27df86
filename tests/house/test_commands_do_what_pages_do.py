"""Everything a button does is a plain function that a command calls too: an act of a page alone is found here."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

PAGES, COMMANDS = Path("dispatch/console"), Path("zhuandi")
Function = tuple[str, str]
"""Its module, and its name."""
UPLOAD = "a list is kept while somebody looks at it on a page; `zhuandi import` takes the file in one go"
SESSION = "the session of a browser; a command has none"
EXCEPTIONS: Mapping[Function, str] = {
    ("dispatch.approval.upload.preview", "upload"): UPLOAD,
    ("dispatch.approval.upload.preview", "say_headings"): f"{UPLOAD}; --column says the headings",
    ("dispatch.approval.upload.take", "take"): UPLOAD,
    ("dispatch.approval.upload.take", "drop"): UPLOAD,
    ("dispatch.approval.upload.bad_rows", "bad_rows"): f"{UPLOAD}; --bad writes these rows",
    ("dispatch.packing.scan", "scan"): "one code at a time, whichever comes first; `zhuandi pack` is told both",
    ("dispatch.packing.scan", "scan_pair"): "sorts the two codes for `pack`, which `zhuandi pack` calls",
    ("dispatch.queues.saved_view", "save_view"): "a filter of one's own page",
    ("dispatch.queues.saved_view", "remove_view"): "a filter of one's own page",
    ("dispatch.staff.session", "end_session"): SESSION,
    ("dispatch.staff.session", "find_session"): SESSION,
    ("dispatch.staff.session", "lock_session"): SESSION,
    ("dispatch.staff.session", "hear"): SESSION,
    ("dispatch.staff.session", "say"): SESSION,
    ("dispatch.staff.sign_in", "sign_in"): SESSION,
    ("dispatch.staff.sign_in", "give_code"): SESSION,
    ("dispatch.staff.sign_in", "sign_in_as"): SESSION,
    ("dispatch.staff.sign_in", "unlock"): SESSION,
    ("dispatch.staff.totp", "offer_code"): "its secret is a QR code on a screen, for one's own telephone",
    ("dispatch.staff.totp", "confirm_code"): "belongs to the offer on the screen",
}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def file_of(module: str) -> Path:
    return Path(module.replace(".", "/")).with_suffix(".py")


def imported(path: Path) -> Mapping[str, tuple[str, str]]:
    """By the name that it has here: from which module, and what it is called there."""
    froms = (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.ImportFrom) and node.module)
    return {one.asname or one.name: (node.module or "", one.name) for node in froms for one in node.names}


def named(node: ast.AST, known: Mapping[str, Function]) -> Iterator[Function]:
    """The functions of other modules that are named below this node: `act`, or `module.act`."""
    for one in ast.walk(node):
        if isinstance(one, ast.Name) and one.id in known:
            yield known[one.id]
        elif isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id in known:
            yield ".".join(known[one.value.id]), one.attr


@cache
def defined(path: Path) -> Mapping[str, ast.stmt]:
    """Functions, and tables of functions."""
    found: dict[str, ast.stmt] = {}
    for node in tree_of(path).body if path.exists() else ():
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node
        elif isinstance(node, ast.Assign):
            found |= {one.id: node for one in node.targets if isinstance(one, ast.Name)}
    return found


def begins(node: ast.AST) -> bool:
    """Whether a transaction that writes is opened here."""
    calls = (one.func for one in ast.walk(node) if isinstance(one, ast.Call))
    return any(isinstance(one, ast.Attribute) and one.attr == "begin" for one in calls)


def writes(function: Function, seen: set[Function] | None = None) -> bool:
    """Whether it, or something that it calls, opens a transaction that writes."""
    seen = set() if seen is None else seen
    module, name = function
    path = file_of(module)
    if function in seen or name not in defined(path):
        return False
    seen.add(function)
    known = {one: (module, one) for one in defined(path)} | imported(path)
    node = defined(path)[name]
    return begins(node) or any(writes(one, seen) for one in set(named(node, known)))


def acts_of_pages() -> dict[Function, str]:
    """What pages call of other rooms that writes, each with a page that does."""
    found = {}
    for path in sorted(PAGES.glob("*.py")):
        known = {name: of for name, of in imported(path).items() if of[0].startswith("dispatch.")}
        for one in set(named(tree_of(path), known)):
            if not one[0].startswith("dispatch.console") and writes(one):
                found[one] = path.name
    return found


def acts_of_commands() -> set[Function]:
    return {one for path in COMMANDS.glob("*.py") for one in named(tree_of(path), imported(path))}


def test_the_acts_of_the_pages_are_found():
    """A search that finds nothing would be content with everything."""
    found = acts_of_pages()
    assert ("dispatch.approval.dispatch_many", "try_failed_again") in found
    assert ("dispatch.approval.issue", "register_all") in found, "it writes by another function of its module"
    assert ("dispatch.queues.pictures", "look_at_picture") in found, "it writes by a function of another module"
    assert ("dispatch.zero_visits.put_right.solve", "solve") in found, "it writes by a table of functions"
    assert ("dispatch.queues.look", "look") not in found, "it only reads"


def test_every_act_of_a_page_is_a_command_s_too():
    """Ten acts could be done at the counter alone: a failed batch was tried again by nothing but a button."""
    commands = acts_of_commands()
    alone = {one: page for one, page in acts_of_pages().items() if one not in commands and one not in EXCEPTIONS}
    assert not alone, "no command in zhuandi/ calls these"


def test_each_exception_is_one_still():
    assert set(EXCEPTIONS) <= set(acts_of_pages())
    assert not set(EXCEPTIONS) & acts_of_commands()
