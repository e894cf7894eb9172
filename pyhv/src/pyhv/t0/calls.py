# From Xen's names to registers and structures in a guest's memory, and back.
"""How a hypercall is written down, and what its answer holds."""

from collections.abc import Callable, Mapping
from typing import Any

from pyhv.errors import WrongArgument
from pyhv.t0.native import load

Argument = int | str | bytes | Mapping[str, Any]


class Answer(int):
    """What a hypercall answered: a number, negative where it is an error.

    Fields of the structure that was handed over, as the hypervisor left them, are attributes:
    `answer.port`. `error` is Xen's name of a refusal, or None.
    """

    fields: dict[str, int | bytes]

    def __new__(cls, value: int, fields: dict[str, int | bytes] | None = None) -> "Answer":
        """Return the answer `value`, with the fields of its structure."""
        made = super().__new__(cls, value)
        made.fields = fields or {}
        return made

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["fields"][name]
        except KeyError:
            raise AttributeError(f"this answer has no field {name}") from None

    @property
    def error(self) -> str | None:
        """The refusal's name without XEN_: "EINVAL"; None where it is none."""
        names = {number: name for name, number in load().ERRORS.items()}
        return names.get(-self, str(int(self))) if self < 0 else None

    def __repr__(self) -> str:
        value = f"-{self.error}" if self < 0 else str(int(self))
        shown = "".join(f", {name}={field!r}" for name, field in self.fields.items())
        return f"<Answer {value}{shown}>"


def _closest(kind: str, name: str, known: list[str]) -> WrongArgument:
    return WrongArgument(f"there is no {kind} {name!r}; there are: {' '.join(known)}")


def _number(field: str, value: int | str) -> int:
    if not isinstance(value, str):
        return int(value)
    constants = load().CONSTANTS
    if value not in constants:
        raise _closest(f"constant for {field}", value, list(constants))
    return constants[value]


def pack(layout: tuple, values: Mapping[str, Any]) -> bytes:
    """Return the structure of that layout; fields that are not named are 0."""
    name, size, fields = layout
    packed = bytearray(size)
    for field, value in values.items():
        if field not in fields:
            raise _closest(f"field of {name}", field, list(fields))
        at, width = fields[field]
        number = _number(field, value)
        if not -(1 << (width * 8 - 1)) <= number < 1 << (width * 8):
            raise WrongArgument(f"{field}={number} does not fit into its {width} bytes")
        packed[at : at + width] = (number % (1 << width * 8)).to_bytes(width, "little")
    return bytes(packed)


def unpack(layout: tuple, packed: bytes) -> dict[str, int | bytes]:
    """Return the fields of a structure, a status with its sign; what has over 8 bytes, as bytes."""
    return {
        field: int.from_bytes(packed[at : at + width], "little", signed=field == "status")
        if width <= 8
        else packed[at : at + width]
        for field, (at, width) in layout[2].items()
    }


class Request:
    """One hypercall, written down in its caller's memory: `number`, and six `registers`."""

    def __init__(
        self, name: str, arguments: tuple[Argument, ...], at: int,
        write: Callable[[int, bytes], None],
    ) -> None:
        """Write structures and bytes from guest address `at` on."""
        calls = load().CALLS
        if name not in calls:
            raise _closest("hypercall", name, list(calls))
        self.name = name
        self.arguments = arguments
        self.number: int = calls[name]
        self.registers: list[int] = []
        self._structure: tuple[tuple, int] | None = None
        operation: tuple | None = None
        for argument in arguments:
            if isinstance(argument, str):
                operation = self._operation(name, argument)
            elif isinstance(argument, Mapping):
                layout, packed = self._structured(operation, argument)
                self._structure = (layout, at)
                at = self._place(write, at, packed)
            elif isinstance(argument, bytes):
                at = self._place(write, at, argument)
            else:
                self.registers.append(int(argument) % (1 << 64))
        if len(self.registers) > 6:
            raise WrongArgument(f"{name} was given more than six arguments")
        self.registers += [0] * (6 - len(self.registers))

    def _operation(self, call: str, name: str) -> tuple:
        operations = load().OPERATIONS
        if (call, name) not in operations:
            known = [other for of, other in operations if of == call]
            raise _closest(f"operation of {call}", name, known)
        found = operations[call, name]
        if not found[2]:
            self.registers.append(found[0])
        return found

    def _structured(self, operation: tuple | None, values: Mapping[str, Any]) -> tuple:
        if operation is None or operation[1] is None:
            raise WrongArgument(f"{self.name} takes no structure here: {dict(values)}")
        number, layout, version = operation
        fixed = {"cmd": number, "interface_version": version} if version else {}
        return layout, pack(layout, {**values, **fixed})

    def _place(self, write: Callable[[int, bytes], None], at: int, data: bytes) -> int:
        write(at, data)
        self.registers.append(at)
        return at + (len(data) + 7) // 8 * 8

    def answer(self, value: int, read: Callable[[int, int], bytes]) -> Answer:
        """Return the answer, with the structure as it stands in memory now."""
        if self._structure is None:
            return Answer(value)
        layout, at = self._structure
        return Answer(value, unpack(layout, read(at, layout[1])))

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(repr(argument) for argument in self.arguments)})"
