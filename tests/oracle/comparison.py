# The command: asks, compares, prints a table of differences.
"""Ask real Xen 4.17 and Subfloor the same questions; print where they differ, and why."""

import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "pyhv" / "src"))

import asking  # noqa: E402
import differences  # noqa: E402

from pyhv.errors import Failure  # noqa: E402
from pyhv.paths import BUILD  # noqa: E402

console = Console()
WHERE = (
    "svm in QEMU; vmx in Bochs, which takes real Xen many minutes; or crossed, Subfloor on VMX "
    "beside Xen on SVM"
)


def table_of(verdict: differences.Verdict, title: str, every: bool) -> Table:
    """Return the differences as a table; those with a reason are counted unless all are wanted."""
    table = Table(title=title, title_justify="left")
    for column in ("question", "Xen", "Subfloor", "reason"):
        table.add_column(column, overflow="fold")
    for one in verdict.unexplained:
        table.add_row(one.question, one.xen, one.ours, "[red]none")
    explained = [one for one in verdict.differences if one.reason]
    counts: dict[str, int] = {}
    for one in explained:
        counts[one.reason] = counts.get(one.reason, 0) + 1
        if every or counts[one.reason] == 1:
            table.add_row(one.question, one.xen, one.ours, one.reason)
        elif counts[one.reason] == 2:
            more = sum(other.reason == one.reason for other in explained) - 1
            table.add_row(f"… and {more} more", "", "", "the same")
    return table


def keep(name: str, answers: asking.Answers) -> None:
    """Write answers to build/oracle, for a look at them later."""
    path = BUILD / "oracle" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n")


def ask(hypervisor: asking.Hypervisor, key: str) -> asking.Answers:
    """Ask one hypervisor and say how long it took."""
    started = time.monotonic()
    answers = asking.ask(hypervisor)
    keep(key, answers)
    seconds = time.monotonic() - started
    console.print(f"{hypervisor.name} ({key}): {len(answers)} answers in {seconds:.0f} s")
    return answers


def judge(engines: list[str], every: bool = False) -> list[differences.Verdict]:
    """Ask Xen, then Subfloor, as each pair wants it; print and return the verdicts."""
    askable = asking.hypervisors(asking.prepare())
    allowed = differences.read()
    wanted = dict.fromkeys(one for engine in engines for one in differences.PAIRS[engine])
    answers = {one: ask(askable[one], one) for one in wanted}
    verdicts = []
    for engine in engines:
        xen, ours = (answers[one] for one in differences.PAIRS[engine])
        verdict = differences.compare(xen, ours, allowed, engine)
        title = (f"{engine}: {verdict.asked} questions, {len(verdict.differences)} differ, "
                 f"{len(verdict.unexplained)} without a reason")
        console.print(table_of(verdict, title, every) if verdict.differences else title)
        for one in verdict.stale:
            console.print(f"[red]no difference any more matches {one.question!r}: remove it")
        verdicts.append(verdict)
    return verdicts


def main(
    engine: Annotated[list[str], typer.Option(help=WHERE)] = ["svm"],
    every: Annotated[bool, typer.Option("--all", help="a line for every difference")] = False,
) -> None:
    """Compare Subfloor's answers with those of Debian's Xen 4.17; fail where a reason lacks."""
    if unknown := set(engine) - set(differences.PAIRS):
        raise typer.BadParameter(f"{unknown.pop()} is none of {', '.join(differences.PAIRS)}")
    try:
        verdicts = judge(engine, every)
    except Failure as failure:
        console.print(failure.details, markup=False)
        console.print(f"compare: failed: {failure.reason}", markup=False)
        raise typer.Exit(1) from None
    good = all(verdict.good for verdict in verdicts)
    console.print("compare: ok" if good else "compare: failed: see the differences above")
    raise typer.Exit(0 if good else 1)


if __name__ == "__main__":
    typer.run(main)
