# Breakpoints and single steps in any world, and what a callback may do at them.
"""Let a frozen machine go on until an instruction that somebody waits for."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyhv.errors import NotOnProcessor
from pyhv.frozen.cpu import Cpu
from pyhv.frozen.registers import Registers
from pyhv.show import Row, Shown
from pyhv.speed import scaled

if TYPE_CHECKING:
    from pyhv.frozen.machine import Frozen

# How many of the hypervisor's instructions a step follows until the guest is back: an exit takes
# some hundreds, and a vCPU that went to sleep never comes back.
MOST_STEPS = 3000


class Breakpoint:
    """An instruction at which `run` takes notice, in a domain or (None) in the hypervisor."""

    def __init__(
        self, runner: "Runner", address: int, domain: int | None,
        callback: Callable[["Hit"], Any] | None,
    ) -> None:
        self._runner = runner
        self.address = address
        self.domain = domain
        self.callback = callback
        self.hits = 0

    def remove(self) -> None:
        """Take no more notice; also from inside its own callback."""
        self._runner.remove(self)

    def __repr__(self) -> str:
        world = "the hypervisor" if self.domain is None else f"d{self.domain}"
        return f"<breakpoint at {self.address:#x} in {world}, {self.hits} hits>"


class Hit:
    """A pCPU came to a breakpoint; its instruction is not executed yet, and nothing runs."""

    def __init__(self, breakpoint_: Breakpoint, cpu: Cpu, frozen: "Frozen") -> None:
        self.breakpoint = breakpoint_
        self.frozen = frozen
        self.cpu = cpu
        self.vcpu = cpu.guest
        self.registers = cpu.registers
        self.stopped = False

    def stop(self) -> None:
        """Leave the machine standing here: `run` returns this hit."""
        self.stopped = True

    def __repr__(self) -> str:
        return f"<pCPU {self.cpu.number} in {self.cpu.world} at {self.registers.rip:#x}>"


class Step(Shown):
    """One instruction of a vCPU: its registers before and after it.

    `exited`: the instruction took the vCPU out of its guest, and the hypervisor dealt with it.
    """

    def __init__(self, before: Registers, after: Registers, exited: bool) -> None:
        self.before = before
        self.after = after
        self.exited = exited

    def _rows(self) -> list[Row]:
        """Return the registers that changed."""
        return [
            {"register": name, "before": f"{value:#x}", "after": f"{self.after[name]:#x}"}
            for name, value in self.before.items()
            if name in self.after and self.after[name] != value
        ]


class Runner:
    """The breakpoints of one frozen machine."""

    def __init__(self, frozen: "Frozen") -> None:
        self._frozen = frozen
        self._breakpoints: list[Breakpoint] = []
        self._told: tuple[int, int] | None = None  # the processor and address last told of

    def _at(self, address: int) -> list[Breakpoint]:
        return [each for each in self._breakpoints if each.address == address]

    def add(
        self, address: int, domain: int | None, callback: Callable[[Hit], Any] | None
    ) -> Breakpoint:
        """Set a breakpoint."""
        if not self._at(address):
            self._frozen.door.set_breakpoint(address)
        self._breakpoints.append(Breakpoint(self, address, domain, callback))
        return self._breakpoints[-1]

    def remove(self, breakpoint_: Breakpoint) -> None:
        """Remove one, if it is still there."""
        if breakpoint_ in self._breakpoints:
            self._breakpoints.remove(breakpoint_)
            if not self._at(breakpoint_.address):
                self._frozen.door.clear_breakpoint(breakpoint_.address)

    def remove_all(self) -> None:
        """Remove all of them."""
        for breakpoint_ in list(self._breakpoints):
            self.remove(breakpoint_)

    # Running

    def run(self, timeout: float) -> Hit | None:
        """Let the machine run until a breakpoint without a callback, or one that says stop.

        It also ends when a callback has removed the last breakpoint.
        """
        end = time.monotonic() + scaled(timeout)
        while True:
            self._step_past()
            processor = self._frozen.door.run(max(0.001, end - time.monotonic()))
            self._frozen.ran()
            if processor is None:
                return None
            cpu = next(cpu for cpu in self._frozen.cpus if cpu.processor == processor)
            self._told = (processor, cpu.registers.rip)
            for hit in self._hits(cpu):
                self._tell(hit)
                if hit.stopped or not self._breakpoints:
                    return hit
            if time.monotonic() > end:  # it may be met again and again, and concern nobody
                return None

    def _hits(self, cpu: Cpu) -> list[Hit]:
        """Return what concerns somebody: the same address in another world does not."""
        domain = None if cpu.guest is None else cpu.guest[0]
        return [Hit(each, cpu, self._frozen) for each in self._at(cpu.registers.rip)
                if each.domain == domain]

    def _tell(self, hit: Hit) -> None:
        hit.breakpoint.hits += 1
        if hit.breakpoint.callback is None:
            return hit.stop()
        try:
            hit.breakpoint.callback(hit)
        except BaseException as error:
            # It comes out as it is, the machine stands, and what stood in the registers goes along
            error.hit = hit  # type: ignore[attr-defined]
            error.add_note(f"in the callback of {hit.breakpoint!r}, {hit!r}:\n{hit.registers!r}")
            raise

    def _step_past(self) -> None:
        """Have the processor that was told of leave its breakpoint, which would stop it again."""
        if self._told is None:
            return
        (processor, address), self._told = self._told, None
        door = self._frozen.door
        if not self._at(address) or door.registers(processor)["rip"] != address:
            return
        door.clear_breakpoint(address)
        door.step(processor)
        door.set_breakpoint(address)

    # Stepping

    def step(self, domain: int, vcpu: int) -> Step:
        """Let a vCPU execute one instruction of its guest's."""
        who = (domain, vcpu)
        cpu = next((cpu for cpu in self._frozen.cpus if cpu.current == who), None)
        if cpu is None:
            state = self._frozen.domains[domain].vcpus[vcpu].state
            raise NotOnProcessor(
                f"d{domain} v{vcpu} is {state}, on no pCPU: it executes nothing before it runs. "
                "Let the machine run(), or break_at() where it will come")
        number = cpu.number
        if not self._until_in_guest(number, who):
            raise NotOnProcessor(f"d{domain} v{vcpu} left its pCPU without executing anything")
        before = self._registers(who)
        self._one(number)
        exited = self._frozen.cpus[number].guest != who
        self._until_in_guest(number, who)
        return Step(before, self._registers(who), exited)

    def _registers(self, who: tuple[int, int]) -> Registers:
        return self._frozen.domains[who[0]].vcpus[who[1]].registers

    def _one(self, number: int) -> None:
        processor = self._frozen.cpus[number].processor
        here, door = self._frozen.cpus[number].registers.rip, self._frozen.door
        hidden = bool(self._at(here))
        if hidden:
            door.clear_breakpoint(here)
        door.step(processor)
        if hidden:
            door.set_breakpoint(here)
        self._frozen.ran()

    def _until_in_guest(self, number: int, who: tuple[int, int]) -> bool:
        """Follow the hypervisor on one pCPU until its guest is next; return whether it came."""
        for _ in range(MOST_STEPS):
            cpu = self._frozen.cpus[number]
            if cpu.guest == who:
                return True
            if cpu.current != who:
                return False
            self._one(number)
        return False
