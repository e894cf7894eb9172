# Traces: recorded, told, drawn, written to files and read again.
"""Tests of `pyhv.trace`, on a hosted machine and on raw records."""

import doctest
import json
import struct
import time
from pathlib import Path

import pytest

import pyhv
from pyhv import errors
from pyhv.paths import ROOT
from pyhv.t0 import native
from pyhv.trace import Facts, Trace, figures, perfetto, read_parquet, story, turns


@pytest.fixture
def hv():
    with pyhv.hosted(seed=1, cpus=2, memory=64) as machine:
        yield machine


async def neighbour(me):
    """Yield sixty times, and look at the version between."""
    for _ in range(60):
        await me.hypercall("sched_op", "yield")
        await me.hypercall("xen_version", "version")


async def listener(me):
    """Offer a port to d2, and sleep until it is rung."""
    offer = {"dom": "DOMID_SELF", "remote_dom": 2}
    port = (await me.hypercall("event_channel_op", "alloc_unbound", offer)).port
    me.write(0, port.to_bytes(4, "little"))
    await me.hypercall("sched_op", "poll", {"ports": 0, "nr_ports": 1})


async def ringer(me):
    """Bind d1's first port, and ring it."""
    bound = await me.hypercall("event_channel_op", "bind_interdomain",
                               {"remote_dom": 1, "remote_port": 1})
    await me.hypercall("event_channel_op", "send", {"port": bound.local_port})


def record(number: int, time_: int = 0, cpu: int = 0, chapter: int = 1, *values: int) -> bytes:
    """Return a record as the hypervisor lays it out."""
    padded = [*values, 0, 0, 0, 0][:4]
    return struct.pack("<QBBHHHQQQQ", time_, chapter, number, 1, 0, cpu, *padded)


@pytest.fixture
def busy(hv) -> Trace:
    """What two guests that share a machine did, and how one of them was paused and ended."""
    with hv.trace() as t:
        hv.run(listener)
        hv.run(ringer, neighbour)
        hv.domains["listener"].pause()
        hv.domains["listener"].unpause()
        hv.domains["listener"].destroy()
    return t


def test_the_session_in_the_book_is_true():
    page = ROOT / "book" / "preface" / "trace.md"
    result = doctest.testfile(str(page), module_relative=False)
    assert result.failed == 0 and result.attempted > 10


def test_births_are_noted_from_the_start_and_hypercalls_only_when_asked(hv):
    hv.run(neighbour)
    assert {event.name for event in hv.trace} == {"domain_created", "vcpu_up"}
    with hv.trace("hypercalls") as t:
        hv.run(other=neighbour)
    calls = t.of("hypercall_made").about(2)
    assert len(calls) == 120 and calls[0].words == {"call": "sched_op"}
    assert calls[0].sentence == "d2 v0 asks me for sched_op, with 0x0."
    noted = len(hv.trace)
    hv.run(third=neighbour)
    assert len(hv.trace) == noted + 2, "a birth, and no hypercall any more"


def test_a_recording_knows_where_it_comes_from(busy):
    assert busy.facts.tier == "T0" and len(busy.facts.build) == 16 and busy.lost == 0


def test_a_recording_can_be_looked_at_while_it_is_made(hv):
    with hv.trace("turns") as t:
        assert len(t) == 0
        hv.run(neighbour)
        first = len(t)
        hv.run(other=neighbour)
        assert 0 < first < len(t)
    assert len(t.of("vcpu_scheduled")) > 0
    with pytest.raises(errors.WrongArgument, match="made already"), t:
        pass


def test_recordings_nest_and_each_puts_back_what_it_found(hv):
    before = hv._native.traced
    with hv.trace("hypercalls"), pytest.raises(ZeroDivisionError), hv.trace("exits"):
        assert hv._native.traced == before | 3 << 16
        raise ZeroDivisionError
    assert hv._native.traced == before


def test_a_machine_that_is_closed_in_its_recording_leaves_what_was_read():
    hv = pyhv.hosted()
    with hv.trace("hypercalls") as t:
        hv.run(neighbour)
        read = len(t)
        hv.close()
    assert len(t) == read > 0


def test_a_kind_that_there_is_not(hv):
    with pytest.raises(errors.WrongArgument, match="called 'sorrows'; there are: boot domains"):
        hv.trace("sorrows")


def test_raw_records_of_any_tier_are_decoded_by_the_hypervisors_tables():
    facts = Facts("0123", "svm", "T1")
    late = record(17, 2000, 1, 1, 1, 0, 32, 4)
    early = record(18, 1000, 0, 1, 1, 0, 6, 0)
    trace = Trace.decode(late + early, lost=3, facts=facts)
    assert [event.sentence for event in trace] == [
        "d1 v0 comes to me: HLT, 0x0.", "d1 v0 asks me for event_channel_op, with 0x4."
    ]
    assert trace[1].fields == {"domain": 1, "vcpu": 0, "call": 32, "first": 4}
    assert trace.tell().endswith("3 events more are lost: I wrote over them before they were read.")
    assert (trace.facts, repr(trace)) == (facts, "<Trace: 2 events, 3 lost>")
    assert str(facts) == "tier T1 on svm, build 0123"


def test_a_record_of_a_stranger_is_told_as_one():
    unknown = Trace.decode(record(250, 0, 0, 200, 0xAB))[0]
    assert (unknown.chapter, unknown.name) == ("?", "unknown")
    assert "no word for: 0xab" in unknown.sentence
    with pytest.raises(errors.BadTrace, match="records of 48 bytes: 47 are no whole number"):
        Trace.decode(bytes(47))


def test_repeats_are_counted_and_turning_points_kept(busy):
    told, all_ = busy.tell(), busy.tell(all=True)
    assert len(all_.splitlines()) == len(busy)
    assert len(told.splitlines()) < len(busy) / 2
    assert sum(len(episode.events) for episode in told.episodes) == len(busy)
    for sentence in ("I hold d1 between two of its instructions. It cannot tell.",
                     "I gave d2 the doorbell of d1: port 1 rings port 1."):
        assert sentence in told
    assert "d3 asked me 118 times more: 59 for sched_op, 59 for xen_version." in told


def test_linuxs_boot_is_told_in_about_thirty_sentences():
    """As many hypercalls as a Linux makes until its first program, in the same mixture."""
    mixture = {17: 1100, 32: 420, 24: 180, 12: 110, 29: 60, 33: 20, 34: 16, 20: 10}
    calls = [number for number, count in mixture.items() for _ in range(count)]
    records = record(0, 0, 0, 1, 1, 1) + b"".join(
        record(17, 10 + i, 0, 1, 1, 0, number) for i, number in enumerate(calls)
    ) + record(2, 99999, 0, 1, 1, 3)
    told = Trace.decode(records).tell()
    assert len(calls) == 1916 and len(told.splitlines()) <= 30
    assert "d1 asked me 1,908 times more: 1,099 for xen_version, 419 for event_channel_op" in told


def test_the_story_leads_into_the_book(busy, monkeypatch, tmp_path):
    monkeypatch.setattr("pyhv.trace.book.BOOK", tmp_path)
    html = busy.tell()._repr_html_()
    assert html.startswith("<ol><li>") and 'href="domains/index.html#pause"' in html
    assert repr(busy.tell()) == str(busy.tell())
    inventory = story.link_to.__globals__["_labels"]
    inventory.cache_clear()
    import zlib
    lines = b"pause std:label -1 domains/states.html#$ Pause\n"
    (tmp_path / "objects.inv").write_bytes(b"#\n#\n#\n#\n" + zlib.compress(lines))
    assert story.link_to("domains", "pause") == f"file://{tmp_path}/domains/states.html#pause"
    inventory.cache_clear()


def test_turns_become_stretches_of_time(busy):
    spans = list(turns.stretches(busy))
    assert {span.state for span in spans} >= {"runs", "sleeps", "waits"}
    assert all(span.start <= span.end for span in spans)
    for cpu in (0, 1):
        mine = sorted((s.start, s.end) for s in spans if s.state == "runs" and s.cpu == cpu)
        assert all(a[1] <= b[0] for a, b in zip(mine, mine[1:], strict=False)), "one at a time"


@pytest.mark.parametrize(("kind", "domain", "says"), [
    ("turns", None, "Who ran where"), ("exits", None, "exits"), ("life", 1, "The life of d1"),
])
def test_every_figure_draws(busy, tmp_path: Path, kind: str, domain: int | None, says: str):
    figure = busy.plot(kind, domain=domain)
    assert says in figure.axes[0].get_title(loc="left")
    figure.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_a_figure_of_nothing_says_what_to_record():
    for kind, says in (("turns", 'hv.trace\\("turns"\\)'), ("exits", 'hv.trace\\("exits"\\)'),
                       ("weather", "no figure 'weather'"), ("life", "life with a domain=")):
        with pytest.raises(errors.WrongArgument, match=says):
            Trace().plot(kind)
    with pytest.raises(errors.WrongArgument, match="nothing of d7"):
        figures.life(Trace(), 7)


def test_parquet_brings_the_same_trace_back(busy, tmp_path: Path):
    again = read_parquet(busy.to_parquet(tmp_path / "trace.parquet"))
    assert again.events == busy.events
    assert (again.facts, again.lost) == (busy.facts, busy.lost)
    assert again.tell() == busy.tell()
    for content in (b"", b"PAR1 is not enough"):
        (tmp_path / "none").write_bytes(content)
        with pytest.raises(errors.BadTrace, match="holds no trace"):
            read_parquet(tmp_path / "none")
    busy.table()[["time"]].to_parquet(tmp_path / "other")
    with pytest.raises(errors.BadTrace, match="holds no trace"):
        read_parquet(tmp_path / "other")


def test_csv_has_a_line_an_event(busy, tmp_path: Path):
    import pandas
    table = pandas.read_csv(busy.to_csv(tmp_path / "trace.csv"))
    assert len(table) == len(busy)
    assert json.loads(table["fields"][0]) == busy[0].fields


def test_perfetto_is_given_what_its_format_asks_for(busy, tmp_path: Path):
    """The fields that the Trace Event Format documents for phases X, i and M."""
    whole = json.loads(busy.to_perfetto(tmp_path / "trace.json").read_text())
    assert whole["displayTimeUnit"] in ("ms", "ns")
    assert whole["otherData"]["build"] == busy.facts.build
    phases = set()
    for event in whole["traceEvents"]:
        phases.add(event["ph"])
        assert isinstance(event["name"], str) and isinstance(event["args"], dict)
        assert isinstance(event["pid"], int) and isinstance(event["tid"], int)
        assert isinstance(event["ts"], int | float) and event["ts"] >= 0
        if event["ph"] == "X":
            assert event["dur"] >= 0
        elif event["ph"] == "i":
            assert event["s"] in ("g", "p", "t")
        else:
            assert event["ph"] == "M"
            assert event["name"] in ("process_name", "thread_name") and event["args"]["name"]
    assert phases == {"X", "i", "M"}
    named = {(e["pid"], e["tid"]) for e in whole["traceEvents"] if e["name"] == "thread_name"}
    used = {(e["pid"], e["tid"]) for e in whole["traceEvents"] if e["ph"] != "M"}
    assert used == named
    assert any(e["pid"] == perfetto.PCPUS for e in whole["traceEvents"])


def test_100_000_events_come_through_and_none_is_lost(hv, record_property):
    async def ask(me):
        for _ in range(35_000):
            await me.hypercall("sched_op", "yield")

    begun = time.perf_counter()
    with hv.trace() as t:
        hv.run(one=ask, two=ask)
    took = time.perf_counter() - begun
    record_property("seconds for 100,000 events", round(took, 2))
    assert len(t) >= 100_000 and t.lost == 0
    assert len(t.of("hypercall_made").about(1)) == 35_000
    assert len(t.tell().splitlines()) < 30


def test_what_a_ring_loses_is_counted_and_told(hv):
    """One multicall makes more events than a ring holds, and nobody can read in between."""
    calls = 8000
    entry = struct.pack("<8Q", native.load().CALLS["xen_version"], 0, 0, 0, 0, 0, 0, 0)

    async def flood(me):
        me.write(0x100000, entry * calls)
        return int(await me.hypercall("multicall", 0x100000, calls))

    with hv.trace("hypercalls") as t:
        assert hv.run(flood) == {"flood": 0}
    got = len(t.of("hypercall_made").about(1))
    assert t.lost > 0 and got + t.lost >= calls + 1
    assert f"{t.lost:,} events more are lost" in t.tell()
