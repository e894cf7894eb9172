# A device between two guests: connecting, talking, closing, and either end dying at every step.
"""The guest letters as front and as back, on machines that all its tests share."""

import itertools
import re
from dataclasses import dataclass, field

import pytest

import pyhv
from pyhv.api.waiting import waiting
from pyhv.linked.devices import Device, attach, detach
from pyhv.linked.machine import Linked
from pyhv.paths import ROOT

pytestmark = pytest.mark.events

STEPS = re.findall(r"^    (\w+), +// (both|front|back|who ends it):",
                   (ROOT / "chapters/events/letters/steps.hpp").read_text(), re.MULTILINE)
"""Each step of the guest's own list, with whose it is."""
ROLES = ("front", "back")
DEATHS = [(role, step) for step, whose in STEPS for role in ROLES
          if whose in (role, "both", "who ends it")]
OTHER = {"front": "back", "back": "front"}
SAID = ("WHO IS THERE?", "THE KETTLE IS ON", "MIND THE STEP")
ENOUGH = f"letters={len(SAID)} then=close"


@dataclass
class Street:
    """A machine, and the guests of a test, which are gone after it."""

    hv: Linked
    numbers: itertools.count = field(default_factory=lambda: itertools.count(1))
    made: list = field(default_factory=list)

    def move_in(self, role: str, words: str = ""):
        """Make a guest that is the front or the back of devices."""
        name = f"{role}{next(self.numbers)}"
        self.made.append(self.hv.create(name, kernel="letters", memory=4,
                                        cmdline=f"role={role} {words}"))
        return self.made[-1]

    def connect(self, ends: dict, number: int = 0) -> Device:
        """Make a device between a front and a back."""
        device = Device("letters", ends["front"].id, ends["back"].id, number)
        attach(self.hv, device)
        return device

    def wait_until_alone(self) -> None:
        """Have all guests destroyed, and wait until no page holds one of them here."""
        for domain in self.made:
            if domain.id in self.hv.domains and domain.state != "dying":
                domain.destroy()
        self.made.clear()
        self.wait_for_only("Domain-0")

    def wait_for_only(self, *names: str) -> None:
        """Wait until there are only these domains, none of them dying."""
        for _ in waiting(20):
            if (there := {domain.name for domain in self.hv.domains}) == set(names):
                return
        pytest.fail(f"waited for {names} to be alone; there are {there}")


@pytest.fixture(scope="module", params=["svm", "vmx"])
def machine(request):
    with pyhv.boot(engine=request.param, memory=256, guests=("letters",)) as hv:
        yield Street(hv)


@pytest.fixture
def street(machine):
    yield machine
    machine.wait_until_alone()


def expect_answers(ends: dict, device: Device) -> None:
    """Wait until the front has heard its answers."""
    for text in SAID:
        ends["front"].console.expect(re.escape(f"d{device.back} answers '{text}'"))


def assert_ports_are_closed(domain) -> None:
    """Each device of a guest had the same port: the one before was given back."""
    assert len(set(re.findall(r", port (\d+)", domain.console.text))) <= 1, domain.console.text


def expect_a_talk(street: Street, ends: dict, device: Device) -> None:
    """Wait until the front has heard its answers, and both are closed."""
    expect_answers(ends, device)
    for end in ends.values():
        end.console.expect(f"/{device.number} is over, and nothing of mine is out")
    assert [street.hv.store[f"{home}/state"] for home in (device.front_home, device.back_home)] \
        == ["6", "6"]


def test_the_list_of_steps_is_read():
    assert len(DEATHS) == 24 and {"found", "mapped", "closed"} <= {step for step, _ in STEPS}


def test_two_ends_connect_talk_and_close(street):
    ends = {"back": street.move_in("back"), "front": street.move_in("front", ENOUGH)}
    expect_a_talk(street, ends, street.connect(ends))


@pytest.mark.parametrize(("role", "step"), DEATHS)
def test_an_end_outlives_the_other(street, role, step):
    """Whoever is left lets go of everything, is closed, and takes a new partner.

    One engine has those crash that are switched off on the other.
    """
    turn = DEATHS.index((role, step)) + (street.hv.hello.engine == "vmx")
    by = ("crash", "poweroff")[turn % 2]
    closer = "back" if (role, step) == ("back", "closing") else "front"
    words = {closer: ENOUGH, OTHER[closer]: ""}
    survivor = street.move_in(OTHER[role], words[OTHER[role]])
    dying = street.move_in(role, f"{words[role]} die={step} by={by}")
    ends = {role: dying, OTHER[role]: survivor}
    device = street.connect(ends)
    if by == "crash":
        assert dying.wait("crashed") == "crashed"
        assert f"letters: {step}: I die" in dying.console.text
        dying.destroy()
    else:
        street.hv.wait_for(rf"{dying.name} \(d{dying.id}\) powered off")

    survivor.console.expect("/0 is over, and nothing of mine is out")
    street.wait_for_only("Domain-0", survivor.name)
    home = device.back_home if role == "front" else device.front_home
    assert street.hv.store[f"{home}/state"] == "6"
    detach(street.hv, device)

    ends[role] = street.move_in(role, words[role])
    expect_a_talk(street, ends, street.connect(ends, 1))
    assert_ports_are_closed(survivor)


@pytest.mark.parametrize(("role", "lie"), [
    ("front", "reference"), ("front", "port"), ("front", "producer"), ("front", "state"),
    ("back", "producer"), ("back", "state"),
])
def test_an_end_that_lies_is_left(street, role, lie):
    """The honest end lets go at once, while the liar still lives, and takes a new partner."""
    survivor = street.move_in(OTHER[role])
    ends = {OTHER[role]: survivor, role: street.move_in(role, f"lie={lie}")}
    device = street.connect(ends)
    survivor.console.expect("/0 is closed")
    survivor.console.expect("/0 is over, and nothing of mine is out")
    detach(street.hv, device)
    ends[role] = street.move_in(role)
    expect_answers(ends, street.connect(ends, 1))
    assert_ports_are_closed(survivor)


def test_a_page_that_is_kept_costs_that_page_alone(street):
    """A back that says it is closed, and is not: the front goes on without its page."""
    front, liar = street.move_in("front", ENOUGH), street.move_in("back", "lie=keep")
    street.connect({"front": front, "back": liar})
    front.console.expect("letters/0 is closed")
    ends = {"front": front, "back": street.move_in("back")}
    expect_answers(ends, street.connect(ends, 1))
    front.console.expect("letters/1 is over, and nothing of mine is out")
    assert "letters/0 is over" not in front.console.text
    liar.destroy()
    front.console.expect("letters/0 is over, and nothing of mine is out")
