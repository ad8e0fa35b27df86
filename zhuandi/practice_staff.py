"""Accounts to practise with: one of each role, made at the first start in practice, never in office."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dispatch.errors import NotAllowedError
from dispatch.staff.member import Made, add_member, members
from dispatch.staff.role import Role
from dispatch.world import World

URLS = "urls.txt"
"""File among the papers of practice: accounts, then tracking pages, each line with its address first."""
BY = "练习环境"
NAMES: Mapping[Role, str] = {
    Role.WINDOW: "练习窗口",
    Role.DISPATCH: "练习寄件",
    Role.POST: "练习邮务",
    Role.SUPERVISOR: "练习督查",
    Role.AUDITOR: "练习审计",
    Role.ADMINISTRATOR: "练习管理",
}
assert set(NAMES) == set(Role)  # noqa: S101 - a role that nobody can practise


def console_url(world_url: str) -> str:
    """Where the staff's console is, by the service's own address."""
    return f"{world_url}/console"


def make_staff(world: World, papers: Path) -> list[Made]:
    """An account for each role that has none yet; its first password is left among the papers.

    The login is the role's name. Raises NotAllowedError outside of the practice profile.
    """
    if world.settings.profile != "sandbox":
        raise NotAllowedError("练习账号只在练习环境里建立。正式环境请用 `zhuandi admin add`。")
    with world.reading() as session:
        known = {member.login for member in members(session)}
    made = [add_member(world, role, name, role, None, BY) for role, name in NAMES.items() if role not in known]
    if made:
        write_urls(papers, [*kept_accounts(papers), *(_line(world, one) for one in made)])
    return made


def kept_accounts(papers: Path) -> list[str]:
    """The lines of accounts that were left among the papers before."""
    file = papers / URLS
    lines = file.read_text().splitlines() if file.exists() else []
    return [line for line in lines if line.partition("\t")[0].endswith("/console")]


def write_urls(papers: Path, lines: Sequence[str]) -> None:
    """The file anew, for its owner alone: a password or a link opens something."""
    file = papers / URLS
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text("".join(f"{line}\n" for line in lines))


def _line(world: World, made: Made) -> str:
    return f"{console_url(world.settings.public_url)}\t{made.login}\t{made.password}"
