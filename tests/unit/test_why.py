# Who owes the next move: situation by situation, without a machine.
"""Tests of pyhv.why's reasoning, and of what it reads out of a store that guests write."""

from dataclasses import replace

import pytest

from pyhv.api.grants import Grant
from pyhv.api.ports import Port
from pyhv.why import Device, End, Ring, Situation, Why, owes

FRONT, BACK = "the frontend in d2", "the backend in d1"
GRANT = Grant(2, 8, 1, 0x110, True, "page", reading=True, writing=True)
IDLE = Ring(8, GRANT, req_prod=5, req_event=6, rsp_prod=5, rsp_event=6)
ASLEEP, AT_WORK = ("blocked",), ("running",)


def device(front=4, back=4, ring=IDLE, **more) -> Device:
    """Return a device in good order but for what is given."""
    front_end = End("frontend", 2, front, "alive", Port(2, 7, "interdomain", remote=1,
                                                        remote_port=9), ASLEEP)
    back_end = End("backend", 1, back, "alive", Port(1, 9, "interdomain", remote=2,
                                                     remote_port=7), ASLEEP)
    return replace(Device("letters", "0", front_end, back_end, (ring,)), **more)


def changed(whole: Device, end: str, **values) -> Device:
    """Return the device with one end changed; `pending` and `masked` are its port's."""
    there = getattr(whole, end)
    marks = {name: values.pop(name) for name in ("pending", "masked") if name in values}
    if marks:
        values["port"] = replace(there.port, **marks)
    return replace(whole, **{end: replace(there, **values)})


HANDSHAKES = [
    (1, 1, BACK, "it must say 2 (InitWait)"),
    (3, 1, BACK, "it must say 2 (InitWait)"),
    (1, 2, FRONT, "the backend waits for it at 2 (InitWait)"),
    (2, 2, FRONT, "say 3 (Initialised)"),
    (1, 3, FRONT, "say 3 (Initialised)"),
    (3, 2, BACK, "2 (InitWait) must become 4 (Connected)"),
    (3, 3, BACK, "waits politely; 3 (Initialised) must become 4"),
    (4, 3, BACK, "must become 4 (Connected)"),
    (3, 4, FRONT, "the backend is connected; 3 (Initialised) must become 4"),
    (1, 4, FRONT, "1 (Initialising) must become 4"),
    (4, 4, "nobody", "every request that I can see has its answer"),
    (5, 4, BACK, "the frontend in d2 is at 5 (Closing), so it must close, too"),
    (6, 4, BACK, "from 4 (Connected)"),
    (4, 6, FRONT, "the backend in d1 is at 6 (Closed)"),
    (5, 5, FRONT, "from 5 (Closing)"),
    (6, 5, BACK, "from 5 (Closing)"),
]


@pytest.mark.parametrize(("front", "back", "who", "says"), HANDSHAKES)
def test_the_handshake(front, back, who, says):
    owed = owes(device(front, back))
    assert owed.who == who
    assert says in str(owed)


def test_closed_and_still_held_is_a_leak():
    closed = device(6, 6)
    assert owes(closed).who == BACK
    assert "still holds the page of reference 8: it must unmap it" in str(owes(closed))
    let_go = replace(GRANT, reading=False, writing=False)
    assert owes(device(6, 6, replace(IDLE, grant=let_go))).who == "nobody"


def asked(**marks) -> Device:
    """Return a device with two requests that the backend has not seen, and its port's marks."""
    return changed(device(ring=replace(IDLE, req_prod=7)), "back", **marks)


def test_a_request_and_no_bell():
    owed = owes(asked())
    assert owed.who == FRONT
    assert ("requests wait up to 7, and the backend in d1 wanted its bell at 6; it sleeps"
            in str(owed))


@pytest.mark.parametrize(("marks", "who", "says"), [
    ({"pending": True, "masked": True}, BACK, "it waits behind its own mask"),
    ({"pending": True}, BACK, "it must take its upcall"),
    ({"pending": True, "life": "paused"}, "whoever paused it",
     "the backend in d1 cannot do its part until it is let go on. Then: requests wait"),
    ({"vcpus": AT_WORK}, BACK, "it has answered the bell, and is at work"),
    ({"vcpus": ()}, BACK, "is at work"),
    ({"pending": True, "life": "crashed"}, "the toolstack", "d1 crashed"),
])
def test_a_request_that_waits(marks, who, says):
    owed = owes(asked(**marks))
    assert owed.who == who
    assert says in str(owed)


def test_a_request_that_was_seen_and_not_answered():
    owed = owes(device(ring=replace(IDLE, req_prod=7, req_event=8)))
    assert (owed.who, "has answered up to 5: 2 to go" in str(owed)) == (BACK, True)


def test_an_answer_that_was_not_seen():
    answered = device(ring=replace(IDLE, req_prod=7, req_event=8, rsp_prod=7))
    assert owes(answered).who == BACK, "no bell: it sleeps, and who answered must ring"
    rung = changed(answered, "front", pending=True)
    assert (owes(rung).who, "answers wait up to 7" in str(owes(rung))) == (FRONT, True)
    assert "behind its own mask" in str(owes(changed(rung, "front", masked=True)))
    assert owes(changed(rung, "front", life="paused")).who == "whoever paused it"


def test_indices_wrap():
    high = (1 << 32) - 1
    wrapped = Ring(8, GRANT, req_prod=1, req_event=high, rsp_prod=high, rsp_event=0)
    assert wrapped.unanswered == 2 and wrapped.requests_unseen and not wrapped.responses_unseen
    assert owes(device(ring=wrapped)).who == FRONT


def test_a_ring_whose_index_ran_away():
    owed = owes(device(ring=replace(IDLE, req_prod=0x10000)))
    assert owed.who == BACK and "one index ran away" in str(owed)
    answers = owes(device(ring=replace(IDLE, rsp_prod=6)))
    assert "one index ran away" in str(answers), "more answers than questions"


def test_a_ring_without_its_promise_or_its_holder():
    assert owes(device(ring=Ring(8))).who == FRONT
    owed = owes(device(ring=replace(IDLE, grant=replace(GRANT, reading=False, writing=False))))
    assert owed.who == BACK and "does not hold the ring's page, reference 8" in str(owed)
    assert owes(device(ring=Ring(8, GRANT))).who == "nobody", "it cannot be read"


def test_a_bell_that_is_bound_to_nobody():
    alone = changed(device(), "front", port=Port(2, 7, "unbound", remote=1))
    assert owes(alone).who == BACK and "the frontend in d2 has an unbound port" in str(owes(alone))
    assert "the backend in d1 has no port" in str(owes(changed(device(), "back", port=None)))


@pytest.mark.parametrize(("lost", "left", "who", "says"), [
    ({"life": "gone"}, {}, BACK, "d2 is gone, so it must let go of what it holds of it, and close"),
    ({"life": "gone"}, {"state": 6}, "the toolstack", "what is left of the device can be removed"),
    ({"life": "gone"}, {"life": "gone"}, "nobody", "neither end is there"),
    ({"state": None}, {"state": 2}, "the toolstack", "has nobody to meet"),
    ({"state": None}, {"state": 4}, BACK, "the frontend in d2 says nothing in the store"),
])
def test_an_end_that_is_not_there(lost, left, who, says):
    owed = owes(changed(changed(device(), "front", **lost), "back", **left))
    assert owed.who == who
    assert says in str(owed)


def test_the_dead_cannot_move():
    waiting = device(3, 3)
    for life, who in (("crashed", "the toolstack"), ("shut down", "the toolstack"),
                      ("dying", "the toolstack"), ("paused", "whoever paused it")):
        assert owes(changed(waiting, "back", life=life)).who == who


@pytest.mark.parametrize(("situation", "who", "says"), [
    (Situation(2, "dying", held=(GRANT,)), "d1",
     "d2 is dead but for what is still held of it, reference 8, page 0x110, rw. d1 must unmap it"),
    (Situation(2, "dying", held=(GRANT, GRANT)), "d1", "rw, and 1 more"),
    (Situation(2, "dying"), "the toolstack", "no guest's mark says"),
    (Situation(2, "paused"), "whoever paused it", "between two instructions"),
    (Situation(2, "crashed"), "the toolstack", "stays until it is destroyed"),
    (Situation(2, "alive", ASLEEP), "nobody", "its vCPUs sleep"),
    (Situation(2, "alive", ("down", "running")), "d2", "d2 goes on"),
    (Situation(2, "alive", ASLEEP, waiting=(Port(2, 1, "virq", number=0, pending=True),)), "d2",
     "port 1 (TIMER) is pending and not masked"),
])
def test_a_domain_by_itself(situation, who, says):
    owed = owes(situation)
    assert owed.who == who
    assert says in str(owed)


def test_it_shows_itself():
    found = Why(Situation(2, "alive", ASLEEP, held=(GRANT,), devices=(asked(masked=True),)))
    shown = repr(found)
    for part in ("d2 is alive: v0 blocked", "letters/0 of d2", "d1 port 9", "4 (Connected)",
                 "ring-ref 8: requests 7 (bell at 6), responses 5 (bell at 6)",
                 "d2's reference 8: page 0x110 for d1, rw, held rw", "owes the next move"):
        assert part in shown
        assert part.replace("'", "&#x27;") in found._repr_html_()
    assert shown.count("reference 8: page") == 1, "what a ring lies in is told there"
    assert list(found.table()["end"]) == ["frontend", "backend"]
    assert found.sentences[1].startswith("letters/0 of d2: The frontend in d2 owes")
