"""Whatever a function says has its English, and a finished sentence is turned as a whole, whatever stands in it."""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pytest
from markupsafe import escape

from dispatch.approval.columns import COLUMNS
from dispatch.approval.fields import cells
from dispatch.approval.fields.text import WrongError
from dispatch.console.language import CHINESE, ENGLISH, english
from dispatch.console.sentence import LONGEST, in_english, is_sentence, parse, said_in
from dispatch.staff.role import Role
from tests.console.told import HAN, told_by

HOUSE = Path(__file__).parents[2] / "dispatch"
ELSEWHERE: Mapping[str, str] = {
    "accounts.py": "names of carriers, and the words by which their answers are known",
    "api/": "machines and applicants ask there, each in Chinese",
    "approval/template.py": "a list to be filled in",
    "approval/columns.py": "headings by which lists are known; what of it is shown is looked at by itself",
    "bells/": "a log",
    "crash.py": "a terminal",
    "errands/": "the desk of those who carry, asked by machines",
    "key_mark.py": "a terminal, at the start",
    "label/sheet.py": "paper",
    "mask.py": "patterns of addresses",
    "packing/posting_list_sheet.py": "paper",
    "posts/by_hand/codes.py": "the carrier's own words, like the other tables of codes",
    "posts/ems/abroad.py": "the carrier's own words",
    "posts/ems/codes.py": "the carrier's own words",
    "posts/ems/reach.py": "a command",
    "posts/gov_ems/des.py": "a terminal, at the start",
    "posts/kdniao/codes.py": "the carrier's own words",
    "posts/kuaidi100/codes.py": "the carrier's own words",
    "posts/sf/codes.py": "the carrier's own words",
    "reconcile/": "commands, after a restore",
    "safety.py": "a terminal, at the start",
    "settings.py": "a terminal, at the start, and names of places",
    "tracing.py": "a terminal, at the start",
    "typefaces/": "a terminal",
    "vault.py": "a log",
    "wiring.py": "a terminal, at the start",
    "zero_visits/receipt.py": "paper",
}
"""Rooms and modules that say nothing at the counter, and where they say it."""
UNSAID: Mapping[str, Collection[str]] = {
    "approval/fields/address.py": ("_MUNICIPALITIES", "_WITH_COUNTIES_OF_THEIR_OWN", "_WITHOUT_COUNTIES"),
    "approval/fields/cells.py": ("_COPIES", "_YES", "_NO", "_WAYS", "_PERSON", "_ORGANISATION", "_IDENTITY_CARD"),
    "approval/fields/dates.py": ("_WRITTEN",),
    "approval/files/headings.py": ("FAULTS", "_NEVER_READ", "_OF_A_ROW", "plain"),
    "approval/upload/masked.py": ("_NUMBER", "_DEPARTMENT"),
    "auditing/export.py": ("COLUMNS",),
    "console/language.py": ("LANGUAGES",),
    "console/sentence.py": ("HAN",),
    "label/words.py": ("_HAN",),
    "measured/export.py": ("HEADINGS", "_row"),
    "posts/gov_ems/logistics.py": ("NAMES",),
    "posts/gov_ems/soap.py": ("CODES",),
    "tracking/orphans.py": ("NUMBER_HEADINGS",),
}
"""Names of what is read or written to files: words that people use in lists, patterns, a carrier's table."""
AS_IT_IS = frozenset(
    {"中国邮政 EMS", "顺丰速运", "出证清单.xlsx", "{}-未收.xlsx", "{}-未收.csv", "免费", "成功"},
)
"""Names of carriers and of files, what a label says of its payer, the answer to a push."""


def said() -> Iterator[tuple[str, str]]:
    for file in sorted(HOUSE.glob("**/*.py")):
        name = str(file.relative_to(HOUSE))
        if not name.startswith(tuple(ELSEWHERE)):
            yield from ((name, told) for told in told_by(file.read_text(), UNSAID.get(name, ())))


def test_whatever_a_function_says_at_the_counter_has_its_english():
    """Errors, faults of a list, outcomes of rows, details of entries, lines of a story: every one of them is text."""
    assert [(name, told) for name, told in said() if told not in english() and told not in AS_IT_IS] == []


def test_what_is_left_out_is_there():
    """A module that moved would take its sentences out of sight."""
    assert [name for name in {*ELSEWHERE, *UNSAID} if not (HOUSE / name).exists()] == []
    for name, unsaid in UNSAID.items():
        assert [one for one in unsaid if f"\n{one}" not in (HOUSE / name).read_text().replace("\ndef ", "\n")] == []


def test_what_a_list_is_asked_for_has_its_english():
    told = [words for column in COLUMNS for words in (column.heading, column.explain)]
    assert [words for words in told if HAN.search(in_english(words))] == []


@pytest.mark.parametrize("cell", [cells.way, cells.visit, cells.yes_no, cells.applicant_kind])
def test_what_should_stand_in_a_cell_is_told_in_english_words_that_the_cell_takes(cell):
    """The words of the screen would not do: a list is read by other ones."""
    with pytest.raises(WrongError) as refused:
        cell("神仙")
    told = in_english(refused.value.right).removeprefix("One of: ").removeprefix("Write ")
    words = re.split(r", | or ", told.partition(";")[0])
    assert len({str(cell(word)) for word in words}) == len(words) > 1


def test_an_english_sentence_fills_each_hole_of_the_chinese_one_once():
    for chinese, turned in english().items():
        if is_sentence(chinese):
            assert _filled(turned) == _filled(chinese), chinese


def test_every_sentence_says_something_itself():
    """One of holes alone would be found in everything."""
    assert [
        one for one in english() if is_sentence(one) and not "".join(piece[0] for piece in parse(one)).strip()
    ] == []


def _filled(template: str) -> list[int]:
    return sorted(hole for _, hole, _ in parse(template) if hole is not None)


@pytest.mark.parametrize(
    ("chinese", "turned"),
    [
        ("没有填", "It is empty"),
        ("没有填。", "It is empty."),
        ("办件“331127-1”已由窗口发出，不能再办领取。", "Case “331127-1” was given out at the window already."),
        (
            "中国邮政 EMS对订单 ZD1 给出运单 E2，但此邮件已不用这张订单：请核实并告知中国邮政 EMS撤单。",
            (
                "中国邮政 EMS gave waybill E2 for order ZD1, but the envelope does not use that order any more: "
                "check, and have 中国邮政 EMS cancel it."
            ),
        ),
        (
            "邮件 ZD1 处于“已交寄未收寄”，不能打单。",
            "Envelope ZD1 is at “Handed over, not yet collected”. Not possible now: Print the label.",
        ),
        (
            "邮件 ZD1 由 chen 2026-11-23 09:05 已打过单。再打须写明原因（补打）。",
            "Envelope ZD1 (chen, 2026-11-23 09:05) was printed already. Printing again needs a reason (reprint).",
        ),
        (
            "收件人“王某”：没有填。只填一种，另一种清空；邮编：不是日期。写成 2026-11-02",
            (
                "Recipient “王某”: It is empty. Fill in one of the two and clear the other; "
                "Postcode: Not a date. Write it as 2026-11-02"
            ),
        ),
        (
            (
                "您打开之后，这件事有了变化：2026-11-23 09:05 chen 打单（待打单 → 待封装）；"
                "2026-11-23 09:06 “轨迹停滞”因有进展自行了结。没有重复办理，请看过最新情况再定。"
            ),
            (
                "Since you opened it, something happened: 2026-11-23 09:05 chen: Print the label "
                "(To print → To pack); "
                "2026-11-23 09:06 “News stalled” settled itself, for things went on. Nothing was done twice. "
                "Look at how it stands now, then decide."
            ),
        ),
        (
            "任务 book 第 2 次没有做成：寄递企业答复 HTTP 502，不能确定是否已受理。",
            "Task book, attempt 2 failed: The carrier answered HTTP 502; it is not certain whether it accepted.",
        ),
        (
            "已收寄（203 收寄），大均支局，原文见“查看完整信息”，来自推送",
            "Collected (203 收寄)，大均支局; in its own words under “See the full record”; from push",
        ),
        (
            "妥投，本人签收（704/10 妥投），来自推送",
            "Delivered, Signed for by the recipient (704/10 妥投); from push",
        ),
        (
            "出证登记：正本 1 份，副本 0 份，乙科员 交，dispatch 接",
            "Paper registered: 1 originals, 0 copies; given by 乙科员, taken by dispatch",
        ),
        ("出证登记：正本 1，副本 0", "Paper registered: 1 originals, 0 copies"),
        (
            "电联：上门 1 次，跑动 2 次。说去过一次窗口，又去邮局取件，经办人 dispatch",
            "Call: 1 to an office, 2 trips. 说去过一次窗口，又去邮局取件; by dispatch",
        ),
        ("暂缓寄递：原证未收回，经办人 dispatch", "Held: Old licence not returned; by dispatch"),
        ("暂缓寄递：改窗口领取", "Held: Collect at the window"),
        ("暂缓寄递：欠费：说月底来交", "Held: Fee unpaid: 说月底来交"),
        ("收件人、电话", "Recipient, Telephone"),
        ("本中心，待封装（E1）", "Here, to be packed (E1)"),
    ],
)
def test_a_finished_sentence_is_turned(chinese, turned):
    assert in_english(chinese) == turned


def test_several_sentences_in_a_row_are_turned_each_and_what_is_unknown_between_them_stays():
    told = "办件“1”没有暂缓寄递，无需解除。谁也不认得这一句。\n请填写揽投员姓名。"
    assert in_english(told) == (
        "Case “1” is not on hold; there is nothing to lift. 谁也不认得这一句。\nEnter the postman's name."
    )


def test_what_somebody_typed_stays_as_it_is_though_it_be_a_word_of_ours():
    """A case may be called what we call something, and a note may say no more than one of our words."""
    assert (
        in_english("没有办件编号为“待打单”的办件。请核对编号。")
        == "There is no case “待打单”. Please check the number."
    )
    assert in_english("“轨迹停滞”处理完毕：已放行。") == "“News stalled” settled: 已放行。"
    assert in_english("暂缓寄递：本人，经办人 li") == "Held: 本人; by li"


@pytest.mark.parametrize("told", ["张三、李四", "县公安局、收件人", "请打门铃，谢谢", "", "ok", "王某：请回电"])
def test_what_is_no_sentence_of_ours_stays_as_it_is(told):
    assert in_english(told) == told


def test_a_letter_of_somebody_is_not_searched_for_sentences():
    told = "“，：（→、；。" * LONGEST
    assert in_english(told) == told


def test_in_chinese_nothing_is_turned():
    assert said_in(CHINESE)("没有填。") == "没有填。"


@pytest.mark.parametrize("number", ["100%s", "<b>bold</b>", "%(count)s"])
def test_what_was_typed_is_text_in_the_error_that_tells_of_it(person, number):
    clerk = person(Role.DISPATCH)
    clerk.browser.cookies.set("zhuandi_language", ENGLISH, path="/console")
    page = clerk.post("/console/pack/scan", {"scan": number}, follow_redirects=True)
    assert page.status_code == 404
    assert f"There is no document or waybill “{escape(number)}”. Scan it again." in page.text
    told = clerk.post("/console/issue", {"number": number, "given_by": "科室"})
    assert f"There is no case or document “{escape(number)}”, or it is not your department" in told.text
