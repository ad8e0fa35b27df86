"""What went wrong becomes a page, or the part of a page that tells it; nothing typed into a form is lost."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from dispatch.api.shell import RefusedError, answer_to, on_http
from dispatch.console.language import language_of
from dispatch.console.page import HEADERS, draw, header_url, html, same_site, with_back
from dispatch.errors import ZhuandiError
from dispatch.queues.no_person import WORDS

HERE = "/console"
INCOMPLETE = "表单没有填全，或填得不合要求。请核对后再试。"
AWAY = "系统暂时繁忙，没有办成。请稍后再试一次。"
FAILED = "系统出错，可能没有办成。请核对后再试；还是不行，请告诉管理员。"
NAMED = {404: "没有这个地址，或已经不用了。", 405: "这个地址不接受这种请求。"}


class SignInNeededError(ZhuandiError):
    """Nobody is signed in, or whoever is must do something first: `at` says where, `words` what to do with a form
    that is filled in (empty: it must be left).
    """

    def __init__(self, at: str, words: str = "") -> None:
        super().__init__("请先登录。")
        self.at, self.words = at, words


class PersonSoughtError(ZhuandiError):
    """Somebody's name or number stands in the address: it is answered with another address."""


def tell(request: Request, error: Exception) -> Response:
    """Whatever a route of the counter raised. What is not foreseen goes to the log as at every other door."""
    match error:
        case SignInNeededError():
            return _elsewhere(request, error)
        case PersonSoughtError():
            desk: Any = request.state.desk
            there: Response = desk.to(request.url.path, WORDS, "wrong")
            return there
        case RequestValidationError():
            return _wrong(request, 422, INCOMPLETE)
        case HTTPException(
            __cause__=RefusedError() as refused
        ):  # so the framework tells of what a form was refused for
            return _wrong(request, refused.status, str(refused))
        case HTTPException():
            return _wrong(request, error.status_code, NAMED.get(error.status_code, "请求不合要求，没有办。"))
    known = answer_to(request.scope, error)  # its status; its words are for machines
    if known.status_code >= 500:
        return _wrong(request, known.status_code, AWAY if known.status_code == 503 else FAILED)
    return _wrong(request, known.status_code, str(error))


def put_pages(app: FastAPI) -> None:
    """An address below the counter that there is not is told by a page; all others as before."""

    def told(request: Request, error: Exception) -> Response:
        ours = request.url.path == HERE or request.url.path.startswith(f"{HERE}/")
        return tell(request, error) if ours else on_http(request, error)

    app.add_exception_handler(HTTPException, told)


def _elsewhere(request: Request, error: SignInNeededError) -> Response:
    if _is_filled_in(request) and error.words:
        values = {"words": error.words, "at": error.at}
        return _retarget(html(draw("part_sign_in.html", language_of(request), **values), 401))
    where = header_url(with_back(error.at, _page_of(request)))
    if request.headers.get("hx-request"):
        return Response(status_code=204, headers={**HEADERS, "HX-Redirect": where})
    return RedirectResponse(where, 303, headers=HEADERS)


def _is_filled_in(request: Request) -> bool:
    """A form on a page that stays where it is, with all that was typed into it."""
    return request.method != "GET" and "hx-current-url" in request.headers


def _page_of(request: Request) -> str:
    """The page that asked: what a form posts to, or a part of a page, is none."""
    if request.headers.get("hx-request") or request.method != "GET":
        return same_site(request.headers.get("hx-current-url") or request.headers.get("referer", ""))
    path, query = request.scope["raw_path"].decode("ascii", "replace"), request.url.query
    return same_site(f"{path}?{query}" if query else path)


def _wrong(request: Request, status: int, words: str) -> Response:
    if request.headers.get("hx-request"):
        return _part(request, status, words)
    desk: Any = getattr(request.state, "desk", None)
    # Of what failed nothing more is asked: the menu of a desk is counted in the database.
    if desk is None or desk.signed.locked or status >= 500:
        return html(draw("wrong.html", language_of(request), desk=None, csrf="", said=[], words=words), status)
    answer: Response = desk.page("wrong.html", status, words=words)
    return answer


def _part(request: Request, status: int, words: str) -> Response:
    return _retarget(html(draw("part_wrong.html", language_of(request), words=words), status))


def _retarget(answer: Response) -> Response:
    answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = "#said", "innerHTML"
    return answer
