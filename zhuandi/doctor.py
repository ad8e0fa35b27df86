"""`zhuandi doctor`: is this installation sound, line by line, and what to do where it is not."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

import typer
from rich.console import Console
from rich.text import Text
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from dispatch import audit
from dispatch.arrangement import how_far
from dispatch.db import connect, sessions
from dispatch.errors import ZhuandiError
from dispatch.jobs import Beat, late_jobs
from dispatch.key_mark import key_matches
from dispatch.safety import Finding, Level, database_findings, revision_of, skew_finding
from dispatch.settings import Settings, SettingsUnreadableError, read_settings
from dispatch.tables import REVISION
from dispatch.wiring import KEY_FILE, database_url, make_vault, now
from dispatch.worklist import WORDS, Entry, Reason
from zhuandi import examine
from zhuandi.context import with_database
from zhuandi.misspelt import misspelt
from zhuandi.postgres import PostgresError

app = typer.Typer()
console = Console(highlight=False, soft_wrap=True)
BEATS_MISSED = 3
LATE = timedelta(minutes=5)  # as the alert ZhuandiQueueLate has it
STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.ERROR: "bold red"}
STUCK = (Reason.JOB_STUCK, Reason.POST_SICK, Reason.ACCOUNT_REFUSED)


@app.command()
def doctor() -> None:
    """检查这套安装：哪里不对，怎么办。有错误时退出码为 1。"""
    found = list(_examination())
    for one in found:
        console.print(_line(one))
    worst = {level: sum(one.level is level for one in found) for level in Level}
    console.print(f"{worst[Level.ERROR]} 项错误，{worst[Level.WARN]} 项注意，{worst[Level.OK]} 项正常。")
    if worst[Level.ERROR]:
        raise typer.Exit(1)


def _examination() -> Iterator[Finding]:
    try:
        settings = read_settings()
    except SettingsUnreadableError as error:
        yield Finding(Level.ERROR, "设置", str(error), "改好后再检查一次：别的都取决于它。")
        return
    yield from examination(settings)


def examination(settings: Settings) -> Iterator[Finding]:
    """Everything that is looked at, in the order in which one would mend it."""
    yield from examine.files(settings)
    yield from examine.chosen(settings)
    for place, name in misspelt(settings):
        remedy = "请改正或删去：写错的名字等于没有设置，用的还是缺省值。"
        yield Finding(Level.WARN, "设置", f"{place}里的 {name} 没有人读", remedy)
    yield from _database(settings)
    yield from examine.broker(settings)
    yield from examine.reachable(settings)


def _line(one: Finding) -> Text:
    line = Text.assemble((f"{one.level:<4}", STYLES[one.level]), f"{one.part}：{one.words}")
    return line.append(f"\n    → {one.remedy}") if one.remedy else line


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        with with_database(settings) as led:
            engine = connect(database_url(led))
            try:
                with sessions(engine)() as session:
                    yield from _inside(led, session)
            finally:
                engine.dispose()
    except (SQLAlchemyError, PostgresError, ZhuandiError) as error:
        words = str(error) if isinstance(error, PostgresError | ZhuandiError) else f"连不上（{type(error).__name__}）"
        yield Finding(Level.ERROR, "数据库", words, "请检查 DATABASE_URL 与数据库服务；内嵌数据库看 logs/。")


def _inside(settings: Settings, session: Session) -> Iterator[Finding]:
    yield Finding(Level.OK, "数据库", "可以连接")
    yield from database_findings(session)
    yield examine.connections(settings, int(session.scalar(select(func.current_setting("max_connections"))) or 0))
    yield skew_finding(session, now)
    revision = revision_of(session)
    if (revision or "") < REVISION:
        words = f"表结构为 {revision or '空'}，程序需要 {REVISION}"
        yield Finding(Level.ERROR, "表结构", words, "请运行 zhuandi migrate。")
        return
    yield Finding(Level.OK, "表结构", revision or "")
    yield from _key(settings, session)
    yield _log_stands(session)
    yield _beat(settings, session)
    yield _worked_at(session)
    yield _calendar(session)
    yield from _waiting(session)


def _key(settings: Settings, session: Session) -> Iterator[Finding]:
    file = settings.home / KEY_FILE
    if not settings.vault_keys and not file.exists():
        yield _no_key(session)
        return
    if key_matches(session, make_vault(settings)) is False:
        remedy = "请把原来的密钥文件放回，或在 ZHUANDI_VAULT_KEYS 中列出。"
        yield Finding(Level.ERROR, "密钥", "数据库是用另一把密钥建立的", remedy)
        return
    where = "设置" if settings.vault_keys else str(file)
    yield Finding(Level.OK, "密钥", f"与数据库相符，来自{where}；请确认已在别处另行备份，没有它什么也打不开")


def _log_stands(session: Session) -> Finding:
    if audit.emptied(session):
        return Finding(Level.ERROR, "审计日志", audit.EMPTIED, "请查谁能直接连数据库，并与备份、日志里的链尾核对。")
    return Finding(Level.OK, "审计日志", f"链尾 {audit.head_of(session) or '（还没有记录）'}，请抄存在别处")


def _no_key(session: Session) -> Finding:
    if session.scalar(select(func.count()).select_from(Beat)):
        return Finding(Level.ERROR, "密钥", "数据库在用，密钥却不在", "请把备份的密钥文件放回，不要另建。")
    return Finding(Level.WARN, "密钥", "还没有密钥", "首次启动时会建立，之后请立即另行备份。")


def _beat(settings: Settings, session: Session) -> Finding:
    remedy = "请启动 zhuandi clock（systemctl start zhuandi-clock）：没有它，到期的任务无人催办。"
    seconds = session.scalar(select(func.extract("epoch", func.now() - Beat.at)).where(Beat.name == "clock"))
    if seconds is None:
        return Finding(Level.ERROR, "时钟进程", "从未运行", remedy)
    age = timedelta(seconds=float(seconds))
    words = f"{age.total_seconds():.0f} 秒前走过"
    if age > BEATS_MISSED * settings.clock_rhythm:
        return Finding(Level.ERROR, "时钟进程", words, remedy)
    return Finding(Level.OK, "时钟进程", words)


def _worked_at(session: Session) -> Finding:
    minutes = int(LATE.total_seconds() / 60)
    if not (late := late_jobs(session, LATE)):
        return Finding(Level.OK, "工作进程", f"没有到期 {minutes} 分钟还没人办的任务")
    remedy = "请看工作进程在不在（systemctl status 'zhuandi-worker@*'）、够不够：不在时只收件，不下单。"
    return Finding(Level.WARN, "工作进程", f"{late} 项任务到期 {minutes} 分钟以上还没人办", remedy)


def _calendar(session: Session) -> Finding:
    known = how_far(session, now())
    words = f"有到 {known.until} 的安排" if known.until else "没有今年的安排，暂按周一至周五计算"
    if not known.short:
        return Finding(Level.OK, "工作日历", words)
    remedy = "请按国务院办公厅的节假日安排录入下一年：zhuandi calendar import FILE；录入前按周一至周五计算。"
    return Finding(Level.WARN, "工作日历", words, remedy)


def _waiting(session: Session) -> Iterable[Finding]:
    query = select(Entry.reason, func.count()).where(Entry.settled_at.is_(None), Entry.reason.in_(STUCK))
    found = [(WORDS[Reason(reason)], count) for reason, count in session.execute(query.group_by(Entry.reason))]
    if not found:
        return [Finding(Level.OK, "待处理", "没有受阻的任务")]
    remedy = "请运行 zhuandi worklist 与 zhuandi posts 看原因。"
    return [Finding(Level.WARN, "待处理", f"{words.reason} {count} 项", remedy) for words, count in found]
