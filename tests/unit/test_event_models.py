# No order of steps in hv/events loses a wake-up; each order that would is told, step by step.
"""Tests of the bell's models, explored state by state."""

import doctest

import event_models
import pytest
from event_models import Fifo, TwoLevel
from orders import Model, explore


@pytest.mark.parametrize(("model", "more_than"), [
    (TwoLevel(sends=3), 1_000), (TwoLevel(callback=True, sends=3), 1_000),
    (TwoLevel(polls=True, sends=3), 100), (Fifo(), 6_000),
], ids=["block", "callback", "poll", "fifo"])
def test_no_order_of_steps_loses_a_wake_up(model: Model, more_than: int):
    found = explore(model)
    assert not found.lost, found.story()
    assert found.states > more_than


FAULTY = [
    TwoLevel(fault="block looks first"),
    TwoLevel(fault="block looks first", callback=True),
    TwoLevel(fault="tells before it sets"),
    TwoLevel(fault="unmask looks first, without the lock", sends=2),
    TwoLevel(fault="the guest clears its flag last", sends=2),
    TwoLevel(fault="poll looks first", polls=True),
    Fifo(fault="link_behind stores what it saw"),
    Fifo(fault="ready before head"),
]


@pytest.mark.parametrize("model", FAULTY, ids=lambda model: model.fault)
def test_each_planted_fault_is_found(model: Model):
    found = explore(model)
    assert found.lost, "this order of steps lost nothing"
    print(found.story())


def test_a_shortest_way_is_told():
    assert doctest.testmod(event_models).failed == 0
