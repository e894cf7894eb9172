# Each build of a beginning of the book boots, and shows what its last chapter promises.
"""Boots of the images as they stand at the ends of the chapters domains, grants and events."""

import pytest

from pyhv import build, story
from pyhv import sentences as say
from pyhv.dom0 import Dom0

THROUGH = [
    pytest.param(chapter, marks=getattr(pytest.mark, chapter))
    for chapter in ("domains", "grants", "events")
]


@pytest.fixture
def household(boot, image, module):
    """Boot a chapter's image with the guests of the same build, and wait for dom0's shell."""

    def start(through: str, linux: bool = False) -> Dom0:
        archive = module(build.first_commands(linux), through=through, linux=linux)
        shell = Dom0(boot(image=image(through), module=archive, cpus=2))
        shell.wait_for_prompt()
        return shell

    return start


@pytest.mark.parametrize("through", THROUGH)
def test_hello_lives_beside_dom0(household, through):
    dom0 = household(through)
    assert dom0.state("hello")
    dom0.enter("hello")
    for line in say.HELLO:
        dom0.expect(line)
    dom0.leave()
    dom0.machine.send_line(say.POWER_OFF)
    dom0.machine.expect_power_off()


@pytest.mark.domains
def test_before_event_channels_no_guest_can_be_asked(household):
    assert "without event channels" in household("domains").ask("shutdown hello")


@pytest.mark.events
def test_linux_wakes_at_the_end_of_events(household):
    dom0 = household("events", linux=True)
    dom0.enter("linux")
    dom0.wait_for_linux()
    story.linux_powers_off(dom0)
