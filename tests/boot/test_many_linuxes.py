# Three Linux domains at once, of three sizes, with more processors than the machine has.
"""Debian's cloud and generic kernels, from as little memory as they boot in to 1 GiB."""

import re
import time

import linux_lab as lab
import pytest

from pyhv.dom0 import Dom0

pytestmark = pytest.mark.events

LARGEST = (lab.Order("cloud", "vmlinuz", 128, 4), lab.Order("generic", "generic", 1024, 4),
           lab.Order("large", "vmlinuz", 1024, 2))
# Bochs takes 2 GiB of the host for a machine, and no more
LARGEST_IN_BOCHS = (*LARGEST[:2], lab.Order("large", "vmlinuz", 512, 2))
MEMORY_MIB = {"svm": 2560, "vmx": 2048}
MACHINES = [
    pytest.param(("svm", 2, lab.SMALLEST), id="svm-2"),
    pytest.param(("svm", 1, LARGEST), id="svm-1-largest", marks=pytest.mark.long),
    pytest.param(("svm", 4, LARGEST), id="svm-4-largest", marks=pytest.mark.long),
    pytest.param(("vmx", 2, lab.SMALLEST), id="vmx-2", marks=pytest.mark.long),
    pytest.param(("vmx", 1, LARGEST_IN_BOCHS), id="vmx-1-largest", marks=pytest.mark.long),
]


@pytest.fixture(scope="module", params=MACHINES)
def together(request, boot_shared, image, tmp_path_factory):
    """dom0, and the domains that it has created, each asked for its prompt."""
    engine, cpus, orders = request.param
    module = lab.write_module(
        tmp_path_factory.mktemp("linuxes") / "module.cpio", image().parent, orders
    )
    machine = boot_shared(engine=engine, image=image(), module=module, options=lab.DOM0_MEM,
                          cpus=cpus, memory_mib=MEMORY_MIB[engine])
    shell = Dom0(machine)
    # Three kernels boot at the same time
    shell.boot_timeout *= 4
    shell.timeout *= 2
    shell.wait_for_prompt()
    for order in orders:
        shell.enter(order.name)
        shell.wait_for_linux()
        shell.leave()
    yield shell, orders
    machine.stop()


def test_each_has_its_processors_and_its_memory(together):
    shell, orders = together
    for order in orders:
        shell.enter(order.name)
        shell.wait_for_linux()
        assert lab.processors(shell) == order.vcpus
        said = shell.in_linux("dmesg | grep Memory:")
        assert int(re.search(r"/(\d+)K available", said)[1]) == (
            order.memory_mib * 1024 - lab.NOT_COUNTED_KIB
        )
        shell.leave()


def test_their_clocks_agree(together):
    shell, orders = together
    seen = []
    for order in orders:
        shell.enter(order.name)
        shell.wait_for_linux()
        lost = lab.lost_at_boot(shell)
        before, told, after = time.monotonic(), lab.date(shell), time.monotonic()
        # When it was 0 o'clock, by a clock that may have lost some time: no earlier, no later than
        seen.append((told - after, told + 1 + lost - before))
        shell.leave()
    if shell.machine.machine.engine == "svm":
        assert max(early for early, _ in seen) <= min(late for _, late in seen)


def test_none_stands_still_while_others_are_busy(together):
    shell, orders = together
    for order in orders:
        shell.enter(order.name)
        shell.wait_for_linux()
        lab.start_load(shell, order.vcpus)
        shell.leave()
    busy = {order.name: shell.seconds_run(order.name) for order in orders}
    for order in orders:
        shell.enter(order.name)
        shell.wait_for_linux()
        start = lab.uptime(shell)
        shell.in_linux("sleep 1")
        assert lab.uptime(shell).told - start.told >= 1
        shell.leave()
    for name, before in busy.items():
        assert shell.seconds_run(name) > before, name


def test_processors_come_and_go_under_load(together):
    shell, orders = together
    for order in orders:
        shell.enter(order.name)
        shell.wait_for_linux()
        for cpu in range(1, order.vcpus):
            lab.set_online(shell, cpu, False)
        assert lab.processors(shell) == 1
        for cpu in range(1, order.vcpus):
            lab.set_online(shell, cpu, True)
        assert lab.processors(shell) == order.vcpus
        lab.stop_load(shell)
        shell.leave()


@pytest.mark.long
def test_none_warns_of_what_xens_guest_does_not(together):
    shell, orders = together
    for order in orders:
        shell.enter(order.name)
        shell.wait_for_linux()
        lab.assert_no_new_warnings(shell)
        shell.leave()
