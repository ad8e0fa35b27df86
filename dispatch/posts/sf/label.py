"""COM_RECE_CLOUD_PRINT_WAYBILLS: SF's own label, in two steps: where it lies, then the PDF (CARRIERS §2.5). Pure."""

from urllib.parse import urlsplit

from dispatch.accounts import SfAccount
from dispatch.carrier import Answer, Call, InDoubt, NoAnswer, Request
from dispatch.posts.reading import as_object, check_status, objects, text_of
from dispatch.posts.sf.envelope import as_text, failure, opened, succeeded

PRINT = "COM_RECE_CLOUD_PRINT_WAYBILLS"
DOWNLOAD = "COM_RECE_CLOUD_PRINT_WAYBILLS:GET"
PDF = b"%PDF-"


def label_text(number: str, account: SfAccount) -> str:
    """`msgData` that asks for the label of one number, drawn before SF answers."""
    return as_text(
        {
            "templateCode": account.label_template or f"fm_76130_standard_{account.partner_id}",
            "version": "2.0",
            "fileType": "pdf",
            "sync": True,
            "documents": [{"masterWaybillNo": number}],
        }
    )


def read_label(answer: Answer, account: SfAccount) -> bytes | Call:
    """The PDF, or the call that fetches it: known by what the answer holds."""
    if answer.status in {401, 403}:
        # SF's gateway says so with codes: this is the file's own token, which runs out, and not our account.
        raise NoAnswer(f"面单文件的下载凭证不被接受（HTTP {answer.status}），须重新取面单。")
    check_status(answer)
    if answer.raw.startswith(PDF):
        return answer.raw
    inner = opened(answer)
    if not succeeded(inner):
        raise failure(inner, account, "面单是否已生成")
    files = objects((as_object(inner.get("obj")) or {}).get("files"))
    if len(files) != 1:
        raise InDoubt("顺丰报成功，但没有给出恰好一份面单文件。")
    return _download(text_of(files[0], "url"), text_of(files[0], "token"), account)


def _download(url: str, token: str, account: SfAccount) -> Call:
    """The token is a secret, so it is not kept. It goes out in the clear only where the account itself does."""
    try:
        place = urlsplit(url)
    except ValueError as error:
        raise InDoubt("顺丰给出的面单地址读不懂。") from error
    if place.scheme not in {"https", urlsplit(account.endpoint).scheme} or not place.hostname:
        raise InDoubt("顺丰给出的面单地址不是 https 地址。")
    if not (token.isascii() and token.isprintable()):
        raise InDoubt("顺丰给出的面单下载凭证读不懂。")
    return Call(DOWNLOAD, url, Request(url, headers={"X-Auth-token": token}, method="GET"))
