# The trace over the link: records that a hosted machine made, as dom0 would hand them over.
"""Tests of traces that need no machine."""

import json

import pytest
from fake_dom0 import RECORD, FakeDom0
from typer.testing import CliRunner

import pyhv
from pyhv import command, errors
from pyhv.background import places
from pyhv.linked.machine import Linked
from pyhv.t0.native import load


class Hello:
    """What dom0 says of itself."""

    build, engine = "test", "svm"


@pytest.fixture
def dom0():
    dom0 = FakeDom0()
    dom0.hello = Hello()
    with pyhv.hosted() as hosted:
        hosted.create("web").destroy()
        dom0.records = bytes(hosted._native.records(0))
    return dom0


@pytest.fixture
def hv(dom0, monkeypatch):
    machine = Linked(dom0, "unix:there")
    monkeypatch.setattr(places, "open_machine", lambda which: Linked(dom0, "unix:there"))
    return machine


def test_the_past_is_read_when_it_is_looked_at(hv, dom0):
    trace = hv.trace
    assert "trace.read" not in dom0.calls
    assert len(trace) == len(dom0.records) // RECORD > 2
    assert trace.of("domains")[-1].name == "domain_gone"
    assert "d1 is gone" in trace.tell()
    assert (trace.facts.tier, trace.facts.engine) == ("T2", "svm")


def test_a_recording_has_what_comes_and_leaves_the_mask_as_it_was(hv, dom0):
    old = dom0.records
    with hv.trace("hypercalls") as recording:
        assert dom0.mask == 0xFFFF | load().TRACE_BITS["hypercalls"]
        assert len(recording) == 0
        dom0.records = old + old[:RECORD * 3]
        assert len(recording) == 3
    assert dom0.mask == 0xFFFF and len(recording) == 3 and recording.lost == 0
    with pytest.raises(errors.WrongArgument, match="no events are called 'noise'"):
        hv.trace("noise")


def test_narrate_and_trace_from_the_command_line(hv, dom0, tmp_path):
    run = CliRunner().invoke
    assert "d1 is gone" in run(command.app, ["narrate"]).output
    assert "d1 is gone" in json.loads(run(command.app, ["narrate", "--json"]).output)[-1]
    told = json.loads(run(command.app, ["trace", "turns", "--for", "0", "--json"]).output)
    assert told == {"events": [], "lost": 0}
    file = tmp_path / "turns.csv"
    done = run(command.app, ["trace", "--for", "0", "--to", str(file)])
    assert "0 events, 0 lost" in done.output and file.exists()
    wrong = run(command.app, ["trace", "--to", "x.txt"])
    assert "ends with .csv .parquet .json" in wrong.exception.reason


@pytest.mark.parametrize("ending", [".csv", ".json", ".parquet"])
def test_a_disk_that_is_full_is_one_line(hv, tmp_path, ending):
    to = tmp_path / f"all{ending}"
    to.symlink_to("/dev/full")
    done = CliRunner().invoke(command.app, ["trace", "domains", "--for", "0", "--to", str(to)])
    assert isinstance(done.exception, errors.Failure)
    assert done.exception.reason.startswith(f"{to} cannot be written: ")
    assert "space" in done.exception.reason
    missing = tmp_path / "none" / f"all{ending}"
    done = CliRunner().invoke(command.app, ["trace", "--for", "0", "--to", str(missing)])
    assert "No such file" in done.exception.reason


def test_an_event_is_waited_for_wherever_it_falls(hv, dom0):
    old = dom0.records
    made = hv.wait_for_event("domain_created", domain=1)  # noted before anybody asked
    assert (made.domain, made.fields["domain"]) == (1, 1)
    with pytest.raises(errors.TookTooLong,
                       match="waited 0 s for the event domain_created of d1 in the trace"):
        hv.wait_for_event("domain_created", domain=1, timeout=0)
    dom0.records = old + old  # all of it comes again, before anybody looks
    assert hv.wait_for_event("domain_gone").domain == 1
    assert hv.wait_for_event("domain_created", domain=1).time == made.time
    assert dom0.mask == 0xFFFF
    with pytest.raises(errors.TookTooLong, match="the event hypercall_made in the trace"):
        hv.wait_for_event("hypercall_made", timeout=0)
    assert dom0.mask == 0xFFFF and "trace.mask" in dom0.calls
    with pytest.raises(errors.NoSuchDomain):
        hv.wait_for_event("domain_gone", domain="nobody")
