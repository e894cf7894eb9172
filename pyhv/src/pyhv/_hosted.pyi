# The compiled half of the hosted tier, as pyhv/native/bind.cpp makes it.
"""A machine out of hv's own code."""

from collections.abc import Callable
from typing import Any

class VcpuView:
    id: int
    state: str
    cpu: int
    time_running: int

class DomainView:
    id: int
    life: str
    reason: int
    paused: bool
    frames: int
    frames_limit: int
    table_frames: int
    hypercalls: int
    exits: int
    vcpus: list[VcpuView]

class StepView:
    level: int
    index: int
    at: int
    value: int
    kind: str
    frame: int
    bytes: int
    access: str

class EventView:
    time: int
    cpu: int
    domain: int
    vcpu: int
    chapter: str
    name: str
    fields: dict[str, int]
    words: dict[str, str]
    frequent: bool
    sentence: str
    section: str

class Machine:
    now: int
    death: str
    lost: int
    traced: int
    free_frames: int

    def __init__(self, cpus: int, mebibytes: int) -> None: ...
    def turn(self, cpu: int) -> tuple[int, int] | None: ...
    def hypercall(self, cpu: int, number: int, arguments: list[int]) -> int | None: ...
    def go_on(self, cpu: int) -> int | None: ...
    def halt(self, cpu: int) -> None: ...
    def rest(self) -> None: ...
    def advance(self, ns: int) -> None: ...
    def until_next_timer(self) -> int | None: ...
    def ask(self, number: int, arguments: list[int]) -> int: ...
    def boot(self, domain: int, vcpu: int) -> None: ...
    def wake(self, domain: int, vcpu: int) -> None: ...
    def crash(self, domain: int) -> None: ...
    def domains(self) -> list[int]: ...
    def domain(self, domain: int) -> DomainView: ...
    def walk(self, domain: int, gpa: int) -> list[StepView]: ...
    def read(self, domain: int, gpa: int, count: int) -> bytes: ...
    def write(self, domain: int, gpa: int, data: bytes) -> None: ...
    def dmesg(self) -> str: ...
    def records(self, first: int) -> bytes: ...

def decode(records: bytes) -> list[EventView]: ...

def walk_tables(
    format: str, root: int, address: int, read: Callable[[int], int]
) -> list[StepView]: ...
def registers_in_vmcb(vmcb: bytes) -> dict[str, int]: ...

CALLS: dict[str, int]
OPERATIONS: dict[tuple[str, str], tuple[int, Any, int]]
CONSTANTS: dict[str, int]
ERRORS: dict[str, int]
MAX_CPUS: int
TRACE_BITS: dict[str, int]
EVENT_BITS: dict[str, int]
TRACE_RECORD_BYTES: int
