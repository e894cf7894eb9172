# dom0's shell, hello and the guests that misbehave, on both engines.
"""A household of small guests; each file's machine is booted once and shared."""

import re

import pytest

from pyhv import sentences as say
from pyhv.dom0 import Dom0

pytestmark = pytest.mark.domains

MACHINES = {
    "svm-1": {"engine": "svm", "cpus": 1},
    "svm-2": {"engine": "svm", "cpus": 2},
    "svm-4": {"engine": "svm", "cpus": 4},
    "vmx-1": {"engine": "vmx", "cpus": 1},
    "vmx-2": {"engine": "vmx", "cpus": 2},
}
VERBS = "help list create console pause unpause shutdown destroy dmesg".split()


PARAMS = [pytest.param(fields, id=name) for name, fields in MACHINES.items()]


@pytest.fixture(scope="module", params=PARAMS)
def dom0(request, boot_shared, image, module):
    """dom0 at its prompt, with hello beside it."""
    rc = "create hello kernel=hello memory=16\nlist\n"
    archive = module(rc, guests=("hello", "wicked", "registers"))
    machine = boot_shared(image=image(), module=archive, **request.param)
    shell = Dom0(machine)
    shell.wait_for_prompt()
    yield shell
    machine.stop()


@pytest.fixture
def wicked(dom0):
    """Create a guest that does one wrong thing, and destroy it afterwards."""

    def create(deed: str) -> None:
        dom0.type(f'create wicked kernel=wicked memory=16 cmdline="do={deed}"')
        # A deed done at once may speak into the middle of this line
        dom0.expect(r" is d\d+")
        dom0.expect(say.DOM0_PROMPT)

    yield create
    dom0.ask("destroy wicked")


def test_hello_tells_what_it_found(dom0):
    dom0.enter("hello")
    for line in say.HELLO:
        dom0.expect(line)
    dom0.expect(r"hello: second \d+, my clock says \d+ ms")
    dom0.leave()


def test_help_names_every_verb(dom0):
    said = dom0.ask("help")
    for verb in VERBS:
        assert re.search(rf"^ *{verb}\b", said, re.M), verb


def test_an_unknown_verb_gets_one_line(dom0):
    said = dom0.ask("frobnicate").strip().splitlines()
    assert said == ["no command 'frobnicate': help lists them"]


def test_the_list_shows_both(dom0):
    said = dom0.ask("list")
    assert re.search(say.LIST_HEAD, said)
    assert re.search(say.list_row("Domain-0", "r-----"), said)
    assert re.search(say.list_row("hello", "[r-][b-]----"), said)


def test_a_duplicate_name_is_refused(dom0):
    assert "a domain named hello exists already" in dom0.ask("create hello kernel=hello")


def test_a_missing_file_is_named(dom0):
    assert "no file 'nothing' in the boot module" in dom0.ask("create x kernel=nothing")


def test_a_kernel_that_is_none_is_refused(dom0):
    assert "the file is not an ELF image" in dom0.ask("create x kernel=rc")


def test_too_much_memory_is_refused(dom0):
    said = dom0.ask("create x kernel=hello memory=2000")
    assert "there is not so much free memory" in said
    assert dom0.state("x") is None


def test_pause_holds_and_unpause_lets_go(dom0):
    dom0.ask("pause hello")
    assert dom0.state("hello")[2] == "p"
    dom0.ask("unpause hello")
    assert dom0.state("hello")[2] == "-"
    dom0.enter("hello")
    dom0.expect(r"hello: second \d+")
    dom0.leave()


def test_a_guest_powers_itself_off(dom0):
    dom0.ask('create brief kernel=hello memory=16 cmdline="seconds=1"')
    dom0.expect(say.powered_off("brief"))
    dom0.expect(say.DOM0_PROMPT)
    assert dom0.state("brief") is None


def test_destroy_ends_a_domain(dom0):
    dom0.ask("create doomed kernel=hello memory=16")
    assert dom0.state("doomed")
    dom0.ask("destroy doomed")
    assert dom0.state("doomed") is None


@pytest.mark.parametrize("deed", ["triple", "opcode"])
def test_a_guest_that_breaks_costs_only_itself(dom0, wicked, deed):
    wicked(deed)
    dom0.expect(say.crashed("wicked"))
    dom0.expect(say.DOM0_PROMPT)
    assert dom0.state("wicked")[4] == "c"
    assert dom0.state("hello")[4] == "-"


def test_a_guest_that_halts_for_ever_has_ended(dom0, wicked):
    wicked("halt")
    dom0.expect(say.powered_off("wicked"))
    dom0.expect(say.DOM0_PROMPT)
    assert dom0.state("wicked") is None


def test_a_guest_that_spins_can_be_destroyed(dom0, wicked):
    wicked("spin")
    assert dom0.state("wicked")
    dom0.ask("destroy wicked")
    assert dom0.state("wicked") is None
    assert dom0.state("hello")


@pytest.mark.parametrize("deed", ["unmapped", "hypercalls"])
def test_a_guest_that_tries_everything_is_still_there(dom0, wicked, deed):
    wicked(deed)
    dom0.enter("wicked")
    dom0.expect("wicked: and I am still here")
    dom0.leave()


def test_vector_registers_are_each_guests_own(dom0):
    for seed in (1, 2):
        dom0.ask(f'create keeper{seed} kernel=registers memory=16 cmdline="seed={seed}"')
    for _ in (1, 2):
        dom0.expect(say.powered_off("keeper[12]"))
    dom0.expect(say.DOM0_PROMPT)
    for seed in (1, 2):
        said = dom0.ask(f"console keeper{seed}")
        assert "registers: fresh" in said and "registers: all kept" in said


def test_the_hypervisor_keeps_its_log(dom0):
    assert re.search(say.FIRST, dom0.ask("dmesg"))
