"""Drawings: each says in words what it shows, and shows what the source says."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from drawings import DRAWINGS, boot, domains, engines, events, grants
from drawings.paper import Paper
from quoting.symbols import Index, QuoteError


def words(paper: Paper) -> str:
    """The drawing's description, out of sound XML."""
    drawn = ElementTree.fromstring(paper.svg())
    assert drawn.get("role") == "img"
    return drawn.get("aria-label") or ""


def test_address_space_has_every_window(top: Path) -> None:
    header = (top / "hv" / "boot" / "address_space.hpp").read_text()
    said = words(boot.address_space(top / "book", None))
    windows = re.findall(r"constexpr u64 \w+ = (0xffff[0-9a-f]+);", header)
    assert len(windows) == 4
    for address in windows:
        assert address in said


def test_stacks_have_the_sizes_of_the_source(top: Path) -> None:
    known = boot.constants(top / "book")
    said = words(boot.stacks(top / "book", None))
    assert f"{known['stack_slot_bytes'] >> 10} KiB" in said
    assert f"{known['stack_bytes'] >> 10} KiB" in said


def test_neighbours_that_say_the_same_are_one() -> None:
    told = [(0, 1, "free"), (1, 3, "free"), (3, 4, "mine"), (6, 7, "mine")]
    assert boot._joined(told) == [(0, 3, "free"), (3, 4, "mine"), (6, 7, "mine")]


@pytest.mark.parametrize("mark", ["<", "&", '"'])
def test_words_are_written_for_xml(mark: str) -> None:
    paper = Paper(10, 10, f"a {mark} b")
    paper.text(1, 1, f"c {mark} d")
    assert words(paper) == f"a {mark} b"


RUNS = {"bell": """written: 9
answered: 8
== moments
       0 µs  web-frontend  writes request 9, and rings
       0 µs  the bit       00000010
   2,500 µs  db-primary    looks: 8 written, 8 answered
   5,000 µs  db-primary    goes to sleep
   5,000 µs  the bit       00000000
""", "layouts": """== levels
selector's bits: 0 4
word 0, pending and not masked, bits: 5
word 4, pending and not masked, bits: 44
masked, and pending: 7
== queues
queue 2: 4 -> 3
queue 12: 1
"""}
ROW = """== mapped
offered: flags 0x0001, nobody has it
mapped: flags 0x0019, somebody may read and write it
== views
d1, frame 0x44c0a, leads to 0x100: words / more
d2, frame 0x20000, leads to 0x100: words / more
== table
  9  d0  rw  0x3a9f1  offered
 10  d0  ro  0x3a9f2  offered
 11  d0  rw  0x3b004  offered
 42  d2  rw  0x44c0a  in use
== back
given back: flags 0x0001, nobody has it
"""


@pytest.fixture
def env(real: tuple[Index, list[str]], monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """As much of Sphinx as a drawing needs, and runs that are not made."""
    said = {"held": "held as it worked, ms: 1234\n", "coupon": "d1 0x5 0x70 a\nd2 0x5 0x90 b\n"}
    said |= RUNS | {"row": ROW}
    for drawing in (domains, events, grants):
        monkeypatch.setattr(drawing, "transcript", lambda _, name, __: said[name])
    return SimpleNamespace(quoting=SimpleNamespace(index=real[0]), temp_data={})


OURS = {name for name, draw in DRAWINGS.items()
        if draw.__module__ in {each.__name__ for each in (domains, engines, events, grants)}}


@pytest.mark.parametrize("name", sorted(OURS))
def test_nothing_is_drawn_beside_the_paper(top: Path, env: SimpleNamespace, name: str) -> None:
    drawn = ElementTree.fromstring(DRAWINGS[name](top / "book", env).svg())
    width, height = map(float, drawn.attrib["viewBox"].split()[2:])
    for part in drawn.findall("rect"):
        x, y = float(part.get("x", 0)), float(part.get("y", 0))
        assert x + float(part.attrib["width"]) <= width, part.attrib
        assert y + float(part.attrib["height"]) <= height, part.attrib
    for part in drawn.iter("text"):
        assert 0 <= float(part.attrib["x"]) <= width and 0 <= float(part.attrib["y"]) <= height


def test_a_life_has_the_states_of_the_source(top: Path, env: SimpleNamespace) -> None:
    said = words(domains.life(top / "book", env))
    assert all(name in said for name in ("building", "alive", "shut down", "dying", "dead"))
    assert "said SCHEDOP_shutdown" in said


def test_the_gap_is_as_long_as_the_run_says(top: Path, env: SimpleNamespace) -> None:
    assert "1,234 ms" in words(domains.gap(top / "book", env))
    assert "held" in env.temp_data["runs"]


def test_the_coupon_needs_two_walks(
    top: Path, env: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "in d2, frame 0x5 is the machine's frame 0x90" in words(
        domains.coupon(top / "book", env))
    monkeypatch.setattr(domains, "transcript", lambda *_: "d1 0x5 0x70 a\n")
    with pytest.raises(QuoteError, match="another number than two"):
        domains.coupon(top / "book", env)


def test_a_world_switch_that_moves_another_number(
    top: Path, env: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "moved_by_hand", lambda *_: 13)
    with pytest.raises(QuoteError, match="moves 13 registers by hand, and 14 are drawn"):
        engines.svm_crossing(top / "book", env)


def test_levels_lead_to_the_ports_of_the_run(top: Path, env: SimpleNamespace) -> None:
    said = words(events.levels(top / "book", env))
    assert "word 4, bit 44: port 300" in said and "Port 7 is pending too" in said


def test_queues_are_in_the_order_of_the_run(top: Path, env: SimpleNamespace) -> None:
    said = words(events.queues(top / "book", env))
    assert "queue 2: port 4, then port 3; queue 12: port 1" in said


def test_the_ring_has_the_indices_of_the_incident(top: Path, env: SimpleNamespace) -> None:
    assert "9 requests were written and 8 answered" in words(events.ring(top / "book", env))
    assert "bell" in env.temp_data["runs"]


def test_the_moments_are_told_in_their_order(top: Path, env: SimpleNamespace) -> None:
    said = words(events.moments(top / "book", env))
    assert said.index("rings") < said.index("after 2,500 microseconds") < said.index("sleep")


def test_a_device_comes_up_step_by_step(top: Path, env: SimpleNamespace) -> None:
    said = words(events.states(top / "book", env))
    assert said.index("the back says 2") < said.index("the front says 3") < said.index(
        "the back says 4")


@pytest.mark.parametrize("draw, name", [(events.queues, "layouts"), (events.moments, "bell")])
def test_a_run_that_shows_nothing_is_not_drawn(
    top: Path, env: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, draw, name: str
) -> None:
    monkeypatch.setattr(events, "transcript", lambda *_: "== queues\nnone\n== moments\nnone\n")
    with pytest.raises(QuoteError, match=f"'{name}' printed no"):
        draw(top / "book", env)


def test_an_active_table_says_whom_each_row_lets_come(top: Path, env: SimpleNamespace) -> None:
    said = words(grants.active_table(top / "book", env))
    assert "row 10 promises d0 page 0x3a9f2, which it may only read, and is offered" in said
    assert "row 42 promises d2 page 0x44c0a, which it may write, and is in use" in said


@pytest.mark.parametrize("name, old, new, wrong", [
    ("active-table", " 10  d0", " 10  nobody", "printed 3 lines of its part 'table'"),
    ("two-views", "0x20000, leads to 0x100", "0x20000, leads to 0x200", "came to two frames"),
    ("promise", "given back", "lost", "other turns of a promise's life"),
])
def test_a_run_that_tells_another_life_is_not_drawn(
    top: Path, env: SimpleNamespace, monkeypatch: pytest.MonkeyPatch,
    name: str, old: str, new: str, wrong: str,
) -> None:
    monkeypatch.setattr(grants, "transcript", lambda *_: ROW.replace(old, new))
    with pytest.raises(QuoteError, match=wrong):
        DRAWINGS[name](top / "book", env)
