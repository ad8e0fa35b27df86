"""The road, drawn from the code's own tables (README holds what this prints; a test compares them)."""

import typer

from dispatch import words
from dispatch.journey import ACTS, BY_STAGE, BY_TRACKED, NEWS, Stage, Tracked, view

app = typer.Typer()


def draw() -> str:
    """A Mermaid state diagram: our acts move the stage; once handed over, the carrier's news move what is seen."""
    lines = ["stateDiagram-v2", f"    [*] --> {Stage.GATHERING}"]
    lines += [f"    {stage}: {words.VIEWS[BY_STAGE[stage]]} {stage}" for stage in Stage]
    lines += [f"    {before} --> {after}: {words.ACTS[act]}" for (before, act), after in ACTS.items()]
    lines += [f"    {stage} --> [*]" for stage in (Stage.CLOSED, Stage.CANCELLED, Stage.UNDELIVERED)]
    lines += [f"    state {Stage.HANDED_OVER} {{", "        [*] --> news_unseen"]
    lines += [f"        news_{tracked}: {_seen(tracked)}" for tracked in Tracked]
    lines += [f"        news_{before} --> news_{after}" for before, after in sorted(_ways())]
    return "\n".join([*lines, "    }"])


def _seen(tracked: Tracked) -> str:
    return f"{words.VIEWS[view(Stage.HANDED_OVER, tracked)]} {tracked}"


def _ways() -> set[tuple[Tracked, Tracked]]:
    """The usual ways of news, one step at a time; believed jumps are left out, or nothing could be seen."""
    order = list(BY_TRACKED)
    steps = {(Tracked.UNSEEN, Tracked.COLLECTED)}
    for before, after in {(before, after) for (before, _), after in NEWS.items()}:
        near = before in order and after in order and 0 < order.index(after) - order.index(before) <= 1
        ends = before is Tracked.OUT_FOR_DELIVERY or before is Tracked.AWAITING_PICKUP
        again = (before, after) == (Tracked.ATTEMPT_FAILED, Tracked.OUT_FOR_DELIVERY)
        if (
            (near and before is not Tracked.RETURNED)
            or again
            or (ends and after in {Tracked.DELIVERED, Tracked.RETURNING, Tracked.LOST, Tracked.ATTEMPT_FAILED})
        ):
            steps.add((before, after))
    return steps


@app.command()
def road() -> None:
    """画出邮件要走的路（Mermaid）。"""
    print(draw())
