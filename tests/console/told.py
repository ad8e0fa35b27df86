"""What the code says, found without running it: every Chinese word and sentence, with holes for what is filled in."""

import ast
import re
from collections.abc import Collection, Iterator

HAN = re.compile(r"[㐀-鿿]")


def told_by(source: str, unsaid: Collection[str] = ()) -> Iterator[str]:
    """Words and templates of a module; not its docstrings, nor what stands under a name that is never shown."""
    for statement in ast.parse(source).body:
        if not _names(statement) & set(unsaid):
            yield from _told(statement)


def _names(statement: ast.stmt) -> set[str]:
    match statement:
        case ast.Assign(targets=targets):
            return {one.id for one in targets if isinstance(one, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
    return set()


def _told(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Expr(value=ast.Constant()):
            return
        case ast.Constant(value=str(told)):
            yield from (told,) if HAN.search(told) else ()
            return
        case ast.JoinedStr(values=pieces):
            template = "".join(_piece(one) for one in pieces)
            yield from (template,) if HAN.search(template) else ()
            for one in pieces:
                if isinstance(one, ast.FormattedValue):
                    yield from _told(one.value)
            return
    for child in ast.iter_child_nodes(node):
        yield from _told(child)


def _piece(one: ast.expr) -> str:
    return str(one.value).replace("{", "{{").replace("}", "}}") if isinstance(one, ast.Constant) else "{}"
