"""SF's own label: where it lies, then the PDF; a secret that is not kept, and places that are not gone to."""

import json

import pytest

from dispatch.carrier import Answer, Call, CarrierError, InDoubt, Refused
from tests.posts.sf_samples import NUMBER, gateway, sf


def error_of(answer: Answer, **account: object) -> type[CarrierError]:
    with pytest.raises(CarrierError) as raised:
        sf(**account).read_label(answer)
    return type(raised.value)


def labelled(*files: object, **changes: object) -> Answer:
    return gateway(json.dumps({"success": True, "obj": {"fileType": "pdf", "files": list(files)}, **changes}))


FILE = {"waybillNo": NUMBER, "url": "https://eos.sf-express.com/1.pdf", "token": "token-1", "seqNo": 1, "pageNo": 1}


def test_the_label_is_asked_for_in_the_accounts_template_or_the_standard_one():
    assert json.loads(sf().own_label(NUMBER).kept) == {
        "templateCode": "fm_76130_standard_ZWZX01",
        "version": "2.0",
        "fileType": "pdf",
        "sync": True,
        "documents": [{"masterWaybillNo": NUMBER}],
    }
    assert json.loads(sf(label_template="fm_150").own_label(NUMBER).kept)["templateCode"] == "fm_150"


def test_the_label_lies_elsewhere_and_its_token_is_not_kept():
    post = sf()
    call = post.read_label(labelled(FILE))
    assert isinstance(call, Call)
    assert (call.request.method, call.request.url, call.request.body) == ("GET", FILE["url"], b"")
    assert call.request.headers == {"X-Auth-token": "token-1"}
    assert "token-1" not in call.kept + repr(call.request)
    assert post.again(call, call.kept) == call
    assert post.read_label(Answer(200, b"%PDF-1.7 label", "application/pdf")) == b"%PDF-1.7 label"


@pytest.mark.parametrize(
    "answer",
    [
        labelled(),
        labelled(FILE, FILE),
        labelled({**FILE, "url": ""}),
        labelled({**FILE, "url": "http://"}),
        labelled({**FILE, "url": "file:///etc/hostname"}),
        labelled({**FILE, "url": "https://[broken"}),
        labelled({**FILE, "token": "t\r\nHost: elsewhere"}),
        labelled({**FILE, "token": "令牌"}),
        labelled(FILE, obj=None),
        Answer(403, b"expired"),
        Answer(401, b"expired"),
        Answer(200, b"\x89PNG"),
    ],
    ids=str,
)
def test_an_answer_without_one_label_or_one_place_for_it_is_no_label(answer):
    """401 and 403 are the file's: they must not put the whole account out of use."""
    assert issubclass(error_of(answer), InDoubt)


def test_a_token_never_goes_out_in_the_clear_from_an_account_that_speaks_https():
    secure = {"endpoint": "https://bspgw.sf-express.com/std/service"}
    assert error_of(labelled({**FILE, "url": "http://files.example/1.pdf"}), **secure) is InDoubt


@pytest.mark.parametrize(
    "place",
    [
        "https://files.example/1.pdf",
        "https://sf-express.com.example/1.pdf",
        "https://evilsf-express.com/1.pdf",
        "https://sf-express.com@files.example/1.pdf",
        "https://169.254.169.254/latest",
    ],
)
def test_a_token_goes_to_nobody_else(place):
    """Whoever could write an answer had the token sent wherever it named."""
    with pytest.raises(InDoubt, match="约定的主机"):
        sf().read_label(labelled({**FILE, "url": place}))


@pytest.mark.parametrize(
    ("place", "account"),
    [
        ("https://sf-express.com/1.pdf", {}),
        ("https://EOS.SF-Express.com/1.pdf", {}),
        ("https://files.example/1.pdf", {"label_hosts": ["files.example"]}),
        ("https://gateway.example/1.pdf", {"endpoint": "https://gateway.example/std/service", "label_hosts": []}),
        ("http://127.0.0.1:9/1.pdf", {"label_hosts": []}),
    ],
)
def test_a_label_is_fetched_from_the_endpoints_own_host_and_from_those_that_the_centre_names(place, account):
    call = sf(**account).read_label(labelled({**FILE, "url": place}))
    assert isinstance(call, Call)
    assert call.request.url == place


def test_a_label_that_sf_does_not_draw_is_told_in_its_words():
    answer = gateway(json.dumps({"success": False, "errorCode": "8247", "errorMessage": "运单号不合法"}))
    with pytest.raises(Refused, match="8247 运单号不合法"):
        sf().read_label(answer)
