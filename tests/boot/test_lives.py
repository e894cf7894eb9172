# Lives and their ends: many after one another, damaged kernels, and the end of dom0 itself.
"""What dom0's shell makes and ends; small machines, on SVM with one pCPU."""

import pytest

from pyhv import build, cpio
from pyhv import sentences as say
from pyhv.dom0 import Dom0

pytestmark = pytest.mark.domains

LIVES = 25


def flipped(data: bytes, at: int, count: int = 1) -> bytes:
    """Return `data` with every bit of `count` bytes turned over."""
    return data[:at] + bytes(byte ^ 0xFF for byte in data[at : at + count]) + data[at + count :]


@pytest.fixture
def damaged(image, tmp_path):
    """A good module with three damaged kernels in it: two ELF files and a bzImage."""
    where = image().parent
    files = where / "chapters" / "module"
    hello = (files / "hello").read_bytes()
    kernel = build.linux_entries()[0].data
    path = tmp_path / "module.cpio"
    path.write_bytes(cpio.pack([
        cpio.program("dom0", (files / "dom0").read_bytes()),
        cpio.program("hello", hello),
        cpio.program("header", flipped(hello, 0x10, 0x30)),
        cpio.program("segments", flipped(hello, 0x1C, 8)),
        # lz4 keeps no checksum: a changed letter passes, a page of them does not
        cpio.Entry("payload", flipped(kernel, len(kernel) // 2, 4096)),
        cpio.Entry("rc", b"list\n"),
    ]))
    return path


@pytest.fixture
def start(boot, image):
    """Boot a machine to dom0's prompt."""

    def wait(module) -> Dom0:
        shell = Dom0(boot(image=image(), module=module, memory_mib=256))
        shell.wait_for_prompt()
        return shell

    return wait


def test_a_damaged_kernel_gets_one_line(start, damaged):
    dom0 = start(damaged)
    for kernel in ("header", "segments", "payload"):
        said = dom0.ask(f"create broken kernel={kernel} memory=64").strip().splitlines()
        assert len(said) == 1, f"{kernel}: {said}"
        assert said[0].startswith("cannot create broken: "), kernel
        assert dom0.state("broken") is None
    dom0.ask("create hello kernel=hello memory=16")
    assert dom0.state("hello")


def test_many_lives_leave_room_for_the_next(start, module):
    dom0 = start(module("list\n"))
    # Only one of them fits at a time: a frame in twenty-five that stayed away would show
    for life in range(LIVES):
        said = dom0.ask("create brief kernel=hello memory=100")
        assert "brief is d" in said, f"life {life}: {said}"
        dom0.ask("destroy brief")
    assert dom0.state("brief") is None


def test_dom0_turns_the_machine_off(start, module):
    dom0 = start(module("create hello kernel=hello memory=16\nlist\n"))
    dom0.type(say.POWER_OFF)
    dom0.expect(say.DOM0_POWERS_OFF)
    dom0.machine.expect_power_off(dom0.timeout)
