# A trace in the JSON "Trace Event Format", which ui.perfetto.dev and chrome://tracing open.
"""Timelines for Perfetto."""

import json
from pathlib import Path
from typing import Any

from pyhv.trace.trace import Trace
from pyhv.trace.turns import stretches

# Processes of the timeline are domains; above any domain's number stand the machine's pCPUs.
PCPUS = 0x10000


def events_of(trace: Trace) -> list[dict[str, Any]]:
    """Return the trace's events in that format: times are in microseconds."""
    told: list[dict[str, Any]] = []
    tracks: set[tuple[int, int]] = set()

    def track(process: int, thread: int) -> dict[str, int]:
        tracks.add((process, thread))
        return {"pid": process, "tid": thread}

    for each in stretches(trace):
        span = {"ph": "X", "cat": "turns", "ts": each.start / 1000,
                "dur": (each.end - each.start) / 1000}
        told.append({"name": each.state, **span, **track(each.domain, each.vcpu),
                     "args": {"pcpu": each.cpu}})
        if each.state == "runs":
            told.append({"name": each.who, **span, **track(PCPUS, each.cpu), "args": {}})
    for event in trace:
        told.append({
            "name": event.name, "ph": "i", "s": "t", "cat": event.chapter, "ts": event.time / 1000,
            **track(event.domain, event.vcpu),
            "args": {**event.fields, **event.words, "sentence": event.sentence},
        })
    told.sort(key=lambda each: each["ts"])
    return _names(tracks) + told


def _names(tracks: set[tuple[int, int]]) -> list[dict[str, Any]]:
    """Return the events that name the processes and threads of the timeline."""
    named = []
    for process in sorted({process for process, _ in tracks}):
        name = "pCPUs" if process == PCPUS else f"d{process}"
        named.append(_name("process_name", process, 0, name))
    for process, thread in sorted(tracks):
        name = f"pCPU {thread}" if process == PCPUS else f"d{process} v{thread}"
        named.append(_name("thread_name", process, thread, name))
    return named


def _name(what: str, process: int, thread: int, name: str) -> dict[str, Any]:
    return {"name": what, "ph": "M", "ts": 0, "pid": process, "tid": thread, "args": {"name": name}}


def write(trace: Trace, path: Path) -> Path:
    """Write the timeline, with where the trace comes from and what it lost."""
    said = {"build": trace.facts.build, "engine": trace.facts.engine, "tier": trace.facts.tier,
            "lost": trace.lost}
    whole = {"traceEvents": events_of(trace), "displayTimeUnit": "ns", "otherData": said}
    path.write_text(json.dumps(whole))
    return path
