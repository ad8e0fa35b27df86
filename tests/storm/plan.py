"""What is sent in a storm: cases for every carrier, drawn by the seed, and the waits made short enough to watch."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dispatch.approval.carriage import clear
from dispatch.approval.decided_case import DecidedCase
from dispatch.approval.lodge import lodge
from dispatch.booking.allot import add_numbers
from dispatch.booking.route import POSTAL, set_route
from dispatch.carrier import Numbering, Standing
from dispatch.journey import View
from dispatch.settings import SETTINGS_FILE
from dispatch.world import World
from tests.decided import case_body
from zhuandi.practice_posts import MAKERS

BY = "storm"
AT_FULL_PACE = 60
SCENARIOS = 36  # the last two digits of a phone or an allotted number tell the post which story to play
SURNAMES = "蓝雷钟吴陈林叶周徐梅"
GIVEN = ("小雨", "志远", "秋月", "一鸣", "文静", "建国", "子涵", "丽华")
PATIENCE = {
    View.HANDED_OVER: 6,
    View.IN_TRANSIT: 5,
    View.OUT_FOR_DELIVERY: 5,
    View.ATTEMPT_FAILED: 5,
    View.AWAITING_PICKUP: 5,
    View.DELIVERED: 4,
    View.RETURNING: 5,
    View.RETURNED: 4,
    View.LOST: 4,
    View.CANCELLING: 30,
    View.IN_DOUBT: 30,
}


def hasten(home: Path, shipments: int) -> None:
    """Rewrite the practice settings for a storm: nobody waits for hours, and our own desk is one that can fail.

    What is silent is asked after so often that one machine can keep up with that many shipments.
    """
    file = home / SETTINGS_FILE
    said: dict[str, Any] = json.loads(file.read_text())
    pace = max(1.0, shipments / AT_FULL_PACE)
    said["practice_by_hand"] = "sandbox"
    said["patience"] |= {str(view): round(seconds * pace) for view, seconds in PATIENCE.items()}
    said |= {"hall_open_daily": True}  # a storm on a Sunday is one as well
    said |= {"item_grouping": 0, "ask_again": round(5 * pace), "look_after_closing": round(6 * pace)}
    said |= {"doubt_ladder": [1, 2, 3, 5, 8]}
    said |= {"breaker_longest": 3, "job_lease": 12}
    file.write_text(json.dumps(said, ensure_ascii=False))


def lodge_cases(world: World, seed: int, shipments: int) -> dict[str, int]:
    """Cases that wait for their release, an item for each carrier; how many for which carrier."""
    dice = random.Random(seed)
    carriers = sorted(name for name, one in world.carriers.items() if one.account_name in MAKERS)
    counts = dict.fromkeys(carriers, 0)
    for number, decided in enumerate(_cases(dice, carriers, shipments)):
        lodge(world, decided, BY)
        counts[carriers[number % len(carriers)]] += 1
    for name in carriers:
        _route(world, name, counts[name], dice)
    return counts


def _route(world: World, name: str, count: int, dice: random.Random) -> None:
    carrier = world.carriers[name]
    if carrier.standing is Standing.EXPRESS:
        clear(world, _item(name), "法制审查意见（演练）", BY)
    if name != POSTAL:
        set_route(world, "", _item(name), name, BY)
    if carrier.numbering is Numbering.ALLOTTED:
        prefix = dice.randrange(10**5, 10**6)
        numbers = [f"{prefix}{place:05}{dice.randrange(1, SCENARIOS + 1):02}" for place in range(count + 50)]
        add_numbers(world, name, numbers, BY)


def _item(carrier: str) -> str:
    return f"STORM-{carrier}"


def _cases(dice: random.Random, carriers: list[str], shipments: int) -> Iterator[DecidedCase]:
    for number in range(shipments):
        carrier = carriers[number % len(carriers)]
        name = dice.choice(SURNAMES) + dice.choice(GIVEN)
        phone = f"139{number:06}{dice.randrange(1, SCENARIOS + 1):02}"
        said = case_body(
            f"33112720261122{number:04}",
            {"recipient_name": name, "phone": phone, "detail": f"团结西路{number}号"},
            item_name=f"演练事项（{carrier}）",
            item_code=_item(carrier),
            applicant_name=name,
        )
        yield DecidedCase.model_validate_json(json.dumps(said))
