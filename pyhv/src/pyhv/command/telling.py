# The trace from the command line: told as sentences, recorded as events, kept as files.
"""`hv narrate trace`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from pyhv.command.shared import Json, Machine, app, line, open_machine, show_rows, tell
from pyhv.errors import Failure, WrongArgument
from pyhv.trace import Recording, Trace

WRITERS = {".csv": Trace.to_csv, ".parquet": Trace.to_parquet, ".json": Trace.to_perfetto}
"""What a file's ending says of its format; .json is Perfetto's."""


@app.command()
def narrate(
    everything: Annotated[bool, typer.Option(
        "--all", help="Each event by itself, where repeats are counted otherwise.")] = False,
    json: Json = False, machine: Machine = None,
) -> None:
    """Tell what the hypervisor did, as far back as its rings reach, in its own sentences."""
    with open_machine(machine) as hv:
        story = hv.trace.tell(all=everything)
    tell(str(story).splitlines(), json, lambda lines: line("\n".join(lines)))


def _record(recording: Recording, seconds: float | None) -> Recording:
    """Let it record for so long, or until Ctrl-C."""
    with recording:
        end = None if seconds is None else time.monotonic() + seconds
        try:
            while end is None or time.monotonic() < end:
                left = 1.0 if end is None else min(1.0, end - time.monotonic())
                time.sleep(max(0.0, left))
                len(recording)  # which reads the rings before they are full
        except KeyboardInterrupt:
            if end is not None:
                raise
    return recording


def _keep(recorded: Recording, to: Path) -> None:
    try:
        WRITERS[to.suffix](recorded, to)
    except OSError as error:
        raise Failure(f"{to} cannot be written: {error.strerror or error}; the {len(recorded)} "
                      "events are not kept: choose another --to") from error


@app.command()
def trace(
    names: Annotated[list[str] | None, typer.Argument(
        metavar="[CHAPTER|KIND]...", show_default=False,
        help="Chapters, with all that they can tell, or hypercalls, exits, turns, bells, "
             "promises.")] = None,
    seconds: Annotated[float | None, typer.Option(
        "--for", metavar="SECONDS", show_default=False,
        help="How long; else until Ctrl-C.")] = None,
    to: Annotated[Path | None, typer.Option(
        metavar="FILE", show_default=False,
        help="Keep it: .csv, .parquet, or .json for ui.perfetto.dev.")] = None,
    json: Json = False, machine: Machine = None,
) -> None:
    """Record what happens, and show the events: hv trace turns --for 2 --to turns.json."""
    if to is not None and to.suffix not in WRITERS:
        raise WrongArgument(f"--to {to}: the file's name ends with {' '.join(WRITERS)}")
    with open_machine(machine) as hv:
        recorded = _record(hv.trace(*names or ()), seconds)
    if to is not None:
        _keep(recorded, to)
        told = {"file": str(to), "events": len(recorded), "lost": recorded.lost}
        tell(told, json, lambda told: line(
            f"{told['file']}: {told['events']} events, {told['lost']} lost"))
        return
    rows = [event.row() for event in recorded]
    tell({"events": rows, "lost": recorded.lost}, json, lambda told: show_rows(rows))
