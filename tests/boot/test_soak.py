# Ten minutes of three busy Linux domains: their clocks keep the host's pace.
"""A soak: no drift beyond a bound, no step back, and nothing to warn of."""

import time

import linux_lab as lab
import pytest

from pyhv.dom0 import Dom0

pytestmark = [pytest.mark.events, pytest.mark.long]

SOAK = 600.0  # seconds of the host's clock
# The TSC's rate is measured at boot, for 20 ms: that is all that can be wrong with it.
BOUND = 100e-6


def best_reading(shell: Dom0, name: str) -> lab.Reading:
    """Return the one of three readings of a guest's clock that took least."""
    shell.enter(name)
    shell.wait_for_linux()
    readings = [lab.uptime(shell) for _ in range(3)]
    shell.leave()
    return min(readings, key=lambda reading: reading.after - reading.before)


def test_three_busy_guests_keep_time_for_ten_minutes(boot, image, tmp_path):
    module = lab.write_module(tmp_path / "module.cpio", image().parent, lab.SMALLEST)
    shell = Dom0(boot(image=image(), module=module, options=lab.DOM0_MEM, cpus=2,
                      memory_mib=2560))
    shell.boot_timeout *= 4
    shell.timeout *= 3
    shell.wait_for_prompt()
    for order in lab.SMALLEST:
        shell.enter(order.name)
        shell.wait_for_linux()
        shell.in_linux("watch-clock >/tmp/back &")
        lab.start_load(shell, order.vcpus)
        shell.leave()

    first = {order.name: best_reading(shell, order.name) for order in lab.SMALLEST}
    began = time.monotonic()
    while time.monotonic() - began < SOAK:
        last = {order.name: best_reading(shell, order.name) for order in lab.SMALLEST}
        for order in lab.SMALLEST:
            assert last[order.name].told > first[order.name].told

    for order in lab.SMALLEST:
        start, end = first[order.name], last[order.name]
        told = end.told - start.told
        # The host's clock at the moment that the guest's was read lies somewhere in between
        least, most = end.before - start.after, end.after - start.before
        print(f"{order.name}: {told:.2f} s, by the host {least:.2f} to {most:.2f} s")
        assert least * (1 - BOUND) - 0.02 <= told <= most * (1 + BOUND) + 0.02
        shell.enter(order.name)
        shell.wait_for_linux()
        assert "the clock went back" not in shell.in_linux("cat /tmp/back")
        lab.assert_no_new_warnings(shell)
        shell.leave()
