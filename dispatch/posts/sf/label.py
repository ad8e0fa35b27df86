"""COM_RECE_CLOUD_PRINT_WAYBILLS: SF's own label, in two steps: where it lies, then the PDF (CARRIERS §2.5). Pure."""

from dispatch.accounts import SfAccount
from dispatch.carrier import Answer, Call, InDoubt
from dispatch.posts.label_file import download, pdf_in
from dispatch.posts.reading import as_object, objects, text_of
from dispatch.posts.sf.envelope import as_text, failure, opened, succeeded

PRINT = "COM_RECE_CLOUD_PRINT_WAYBILLS"
DOWNLOAD = "COM_RECE_CLOUD_PRINT_WAYBILLS:GET"


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
    if (pdf := pdf_in(answer)) is not None:
        return pdf
    inner = opened(answer)
    if not succeeded(inner):
        raise failure(inner, account, "面单是否已生成")
    files = objects((as_object(inner.get("obj")) or {}).get("files"))
    if len(files) != 1:
        raise InDoubt("顺丰报成功，但没有给出恰好一份面单文件。")
    token = text_of(files[0], "token")
    if not (token.isascii() and token.isprintable()):
        raise InDoubt("顺丰给出的面单下载凭证读不懂。")
    secret = {"X-Auth-token": token}
    return download(DOWNLOAD, text_of(files[0], "url"), account.endpoint, secret, account.label_hosts)
