# A machine of T1, stopped and looked into, whatever its dom0 thinks of it.
"""Freeze a machine that an emulator runs: read the hypervisor's memory, run no instruction."""

from pathlib import Path

from pyhv.emulator import Emulator
from pyhv.errors import NotBuilt


def freeze(emulator: Emulator, image: Path | None = None):
    """Stop the machine, and return a pyhv.frozen.machine.Frozen, to be used in a `with`.

        with freeze(emulator) as f:
            print(f.domains)
            print(f.domains[1].p2m.walk(0x1000))
            print(f.machine.frames.free_count_)

    `image` is the hv.elf with the debug information, where it is not the one that was booted.
    Raises NoDebugger, AlreadyFrozen, WrongImage; and NotBuilt where drgn is not installed.
    """
    try:
        import drgn  # noqa: F401
    except ImportError as missing:
        raise NotBuilt("freeze() reads types with drgn: `pip install drgn`") from missing
    from pyhv.frozen.machine import Frozen

    return Frozen(emulator, image)
