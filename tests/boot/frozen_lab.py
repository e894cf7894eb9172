# A machine to be frozen: dom0, hello, and a guest that spins; what the tests of it share.
"""Fixtures for the tests of pyhv.frozen."""

import pytest

from pyhv import sentences as say
from pyhv.dom0 import Dom0
from pyhv.frozen import freeze

RC = "create hello kernel=hello memory=16\nlist\n"
SPIN = 'create spinner kernel=wicked memory=16 cmdline="do=spin"'
GUESTS = ("hello", "wicked")
MACHINES = {
    "svm": {"engine": "svm", "cpus": 2},
    "vmx": {"engine": "vmx", "cpus": 2},
}


@pytest.fixture(scope="module", params=[pytest.param(f, id=n) for n, f in MACHINES.items()])
def dom0(request, boot_shared, image, module, tmp_path_factory):
    """dom0 at its prompt, with hello, and a guest that spins: it is always on a pCPU."""
    machine = boot_shared(
        image=image(), module=module(RC, guests=GUESTS),
        debugger=tmp_path_factory.mktemp("frozen") / "debugger", **request.param)
    shell = Dom0(machine)
    shell.wait_for_prompt()
    shell.type(SPIN)
    shell.expect(r" is d2")
    shell.expect(say.DOM0_PROMPT)
    yield shell
    machine.stop()


@pytest.fixture
def frozen(dom0):
    """The machine, for one test without an instruction of its own."""
    with freeze(dom0.machine) as stopped:
        yield stopped


@pytest.fixture
def loop(frozen):
    """Return the address of the jump in the spinner's loop, which is PAUSE and that jump."""
    return 0x100000 + frozen.domains[2].read(0x100000, 0x4000).index(b"\xf3\x90\xeb\xfc") + 2


def asleep(frozen, number: int):
    """Return a domain's first vCPU once it waits for something."""
    for _ in range(500):
        vcpu = frozen.domains[number].vcpus[0]
        if vcpu.state == "blocked":
            return vcpu
        frozen.run(0.01)
    pytest.fail(f"d{number} never waits")
