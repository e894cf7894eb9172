# Experiments that can be repeated: recorded in a folder, and replayed from it.
"""`hv record replay`."""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from pyhv.command.shared import Json, app, line, tell
from pyhv.experiments import comparing, making, scenario
from pyhv.experiments.folder import Folder

Where = Annotated[Path, typer.Argument(metavar="DIR", help="The experiment's own folder.")]


def _arguments(tier: str, seed: int, cpus: int, memory: int | None, engine: str) -> dict[str, Any]:
    if tier == "T0":
        return {"seed": seed, "cpus": cpus, "memory": memory or 64}
    counted = engine == "svm" and cpus == 1
    return {"engine": engine, "cpus": cpus, "memory": memory or 512, "guests": ["hello"],
            "counted": counted}


@app.command()
def record(
    folder: Where,
    what: Annotated[Path | None, typer.Argument(
        metavar="[SCENARIO]", show_default=False,
        help="A Python file with run(hv), for T0, or a file of dom0's words with a line "
             "`# until: PATTERN`, for T1. Without one, a small scenario of our own.")] = None,
    tier: Annotated[str, typer.Option(help="T0 or T1, where no scenario says it.")] = "T0",
    seed: Annotated[int, typer.Option(help="T0: what decides whose turn it is.")] = 1,
    cpus: Annotated[int, typer.Option(help="Physical CPUs.")] = 1,
    memory: Annotated[int | None, typer.Option(
        help="Physical memory, in MiB.", show_default=False)] = None,
    engine: Annotated[str, typer.Option(help="T1: svm or vmx.")] = "svm",
    json: Json = False,
) -> None:
    """Make an experiment, and keep in DIR what it said and all that it was made of.

    The commit, the hashes of image, module, kernels and lock files, the emulator, its version, CPU
    model and command line, the seed, the scenario, the trace and the log: hv replay needs no more.
    """
    chosen = scenario.choose(what, tier)
    arguments = _arguments(chosen.tier, seed, cpus, memory, engine)
    made = making.make(Folder(folder), chosen, arguments)
    tell(made, json, lambda told: line(
        f"{folder} holds the experiment: tier {told['tier']}. hv replay {folder} repeats it."))


@app.command()
def replay(
    folder: Where,
    keep: Annotated[Path | None, typer.Option(
        metavar="DIR", help="Keep the second run, too.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """Make a recorded experiment again, and say whether it was the same.

    T0 repeats itself to the byte, and so does T1 on SVM with one pCPU, whose instructions are
    counted. Elsewhere the same lines are said, but for the numbers in them. Status 1: it was not
    the same.
    """
    before = Folder(folder)
    told = before.read()
    again = Folder(keep) if keep else making.work_folder()
    try:
        making.make(again, scenario.Scenario(folder / told["scenario"]), told["arguments"])
        verdict = comparing.compare(before, again)
    finally:
        if not keep:
            shutil.rmtree(again.path, ignore_errors=True)
    tell(asdict(verdict), json, lambda _: _say(verdict))
    raise typer.Exit(0 if verdict.same else 1)


def _say(verdict: comparing.Verdict) -> None:
    for difference in verdict.made_of:
        line(f"made of something else: {difference}")
    if verdict.same:
        line(f"the same, {verdict.measure}")
    else:
        line(f"not the same, {verdict.measure}. {verdict.first_difference}")
