# Make an experiment: run its scenario on its tier, and keep what it said and did as it goes.
"""Run a scenario into a folder; recording and replaying do the same here."""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from pyhv.booted.prepare import Wish, prepare
from pyhv.emulator import Emulator
from pyhv.experiments import provenance
from pyhv.experiments.folder import Folder
from pyhv.experiments.scenario import Scenario
from pyhv.frozen import freeze
from pyhv.paths import BUILD
from pyhv.trace import Trace

UNTIL = {"qemu": 120.0, "bochs": 600.0}
"""Seconds until an emulated experiment is over, on the machine for which they were written."""


def make(folder: Folder, scenario: Scenario, arguments: dict[str, Any]) -> dict[str, Any]:
    """Run the scenario and return the record of it; trace and log are in the folder.

    `arguments` are those of `pyhv.hosted` or of `pyhv.boot`. What fails is recorded as well, and
    raised. Raises Failure.
    """
    folder.begin()
    kept = folder.path / f"scenario{scenario.path.suffix}"
    with folder.full_disk_is_told():
        shutil.copyfile(scenario.path, kept)
    record: dict[str, Any] = {"tier": scenario.tier, "scenario": kept.name, "arguments": arguments,
                              "tree": provenance.of_tree()}
    folder.note(record)
    run = _hosted if scenario.tier == "T0" else _emulated
    run(folder, Scenario(kept), arguments, record)
    record["log_sha256"] = provenance.sha256(folder.log)
    folder.note(record)
    return record


def _hosted(folder: Folder, scenario: Scenario, arguments: dict[str, Any],
            record: dict[str, Any]) -> None:
    import pyhv

    record["machine"] = provenance.of_hosted()
    with pyhv.hosted(**arguments) as hv:
        try:
            scenario.function()(hv)
        finally:
            trace = hv.trace
            record["lost"], record["build"] = trace.lost, trace.facts.build
            folder.write_trace(event.row() for event in trace)
            folder.write_log(hv.dmesg())
            folder.note(record)
    record["trace_sha256"] = provenance.sha256(folder.trace)


def _emulated(folder: Folder, scenario: Scenario, arguments: dict[str, Any],
              record: dict[str, Any]) -> None:
    commands, until = scenario.commands()
    wish = Wish(commands=commands, **arguments)
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as work:
        machine = replace(prepare(wish, Path(work)), debugger=Path(work) / "debugger")
        with folder.full_disk_is_told(), folder.log.open("w", buffering=1) as log, \
                Emulator(machine) as emulator:
            record["machine"] = provenance.of_machine(machine, emulator.command_by_hand)
            folder.note(record)
            emulator.echo_to(log.write)
            match = emulator.expect(rf"{until}[^\n]*\n", UNTIL[machine.emulator])
            whole = emulator.raw_log
            with freeze(emulator) as frozen:
                records = frozen.trace()
    trace = Trace.decode(b"".join(records[cpu] for cpu in sorted(records)))
    folder.write_trace(event.row() for event in trace)
    folder.write_log(whole[: whole.index(match[0]) + len(match[0])])


def work_folder() -> Folder:
    """Return a new folder for a replay, under build/."""
    BUILD.mkdir(exist_ok=True)
    return Folder(Path(tempfile.mkdtemp(prefix="replay-", dir=BUILD)))
