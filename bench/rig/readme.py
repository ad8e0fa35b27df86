"""The last results as a table of bench/README.md: `python -m bench.rig.readme`; `make bench` does it at its end."""

import json
from pathlib import Path
from typing import Any

from bench.rig.table import RESULTS

README = RESULTS.parents[1] / "README.md"
BEGIN, END = "<!-- results -->", "<!-- end of results -->"


def write_readme(results: Path = RESULTS, readme: Path = README) -> None:
    """Put the results between the two marks."""
    found = json.loads(results.read_text())
    before, _, rest = readme.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    readme.write_text(f"{before}{BEGIN}\n{_head(found)}\n\n{_table(found['rows'])}\n{END}{after}")


def _head(found: dict[str, Any]) -> str:
    on, how = found["machine"], found["how"]
    return (
        f"{found['at'][:10]}, commit {found['commit']}; {on['cores']} cores ({on['cpu']}), {on['memory_gb']} GB, "
        f"load before {on['load_before']}; {how['rounds']} rounds, {how['scale']:,} shipments, "
        f"{how['seconds'] // 60} minutes."
    )


def _table(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| what | | median | least – greatest | ours ÷ it | p50 / p99 ms | aim |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        aims = [f"{'✓' if one['reached'] else '✗'} {one['words']} ({one['found']:.3g})" for one in row["aims"]]
        aims += [f"– {words}" for words in row["unmeasured"]]
        if not row["measures"]:
            lines.append(f"| {row['what']} | | | | | | {'<br>'.join(aims)} |")
        for place, one in enumerate(row["measures"]):
            ratio = row["ratios"].get(one["name"])
            tail = "" if one["p99_ms"] is None else f"{one['p50_ms'] or 0:.1f} / {one['p99_ms']:.1f}"
            cells = (
                row["what"] if place == 0 else "",
                one["name"],
                f"{one['median']:,.4g} {one['unit']}",
                f"{one['low']:,.4g} – {one['high']:,.4g}",
                "" if ratio is None else f"{ratio:.3g}",
                tail,
                "<br>".join(aims) if place == 0 else "",
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    write_readme()
