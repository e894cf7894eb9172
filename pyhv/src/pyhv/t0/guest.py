# A guest: a coroutine that computes by itself and comes to the hypervisor by hypercall.
"""What a guest's coroutine is handed, and how far it is."""

from collections.abc import Awaitable, Callable, Coroutine, Generator
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from pyhv.errors import WrongArgument
from pyhv.t0.calls import Answer, Argument, Request

if TYPE_CHECKING:
    from pyhv.t0.domain import HostedDomain

PAGE = 4096


class Guest:
    """A guest's own view of itself: its memory, and the way to its hypervisor.

    `domain` is its domain. Structures for its hypercalls lie in the last page of its RAM, from
    `arguments_at` on.
    """

    def __init__(self, domain: "HostedDomain") -> None:
        self.domain = domain
        self.arguments_at = domain.memory * 256 * PAGE - PAGE
        self.last: tuple[Request, Answer | None] | None = None

    def read(self, gpa: int, count: int) -> bytes:
        """Return `count` bytes of its own memory, without asking anybody."""
        return self.domain.read(gpa, count)

    def write(self, gpa: int, data: bytes) -> None:
        """Write into its own memory, without asking anybody."""
        self.domain.write(gpa, data)

    def compare_exchange(self, gpa: int, expected: bytes, new: bytes) -> bool:
        """Put `new` where `expected` stands; False: something else stands there, and stays.

        Nobody comes between the look and the write: it is the processor's locked CMPXCHG.

        >>> import pyhv
        >>> async def web(me):
        ...     me.write(0x1000, b"idle")
        ...     busy = me.compare_exchange(0x1000, b"busy", b"mine")
        ...     idle = me.compare_exchange(0x1000, b"idle", b"mine")
        ...     return busy, idle, me.read(0x1000, 4)
        >>> with pyhv.hosted() as hv:
        ...     hv.run(web)
        {'web': (False, True, b'mine')}
        """
        if self.read(gpa, len(expected)) != expected:
            return False
        self.write(gpa, new)
        return True

    async def hypercall(self, name: str, *arguments: Argument) -> Answer:
        """Ask the hypervisor, by Xen's names, and return what it answers.

        `name` is that of the public header without __HYPERVISOR_; arguments are, in their order:
        an operation's name ("send"), a dict of the fields of its structure, bytes that are put
        into memory for the call, or a number as it is. Numbers in a dict may be given by name
        ("DOMID_SELF"). A refusal is an answer, too: see Answer.error.
        """
        request = Request(name, arguments, self.arguments_at, self.write)
        self.last = (request, None)
        answer = await _Exit(request)
        self.last = (request, answer)
        return answer

    def __repr__(self) -> str:
        last = "nothing asked yet" if self.last is None else f"last {self.last[0]}"
        if self.last and self.last[1] is not None:
            last += f" -> {self.last[1]!r}"
        return f"<guest of {self.domain!r}: {last}>"

    def _repr_html_(self) -> str:
        return self.domain._repr_html_()


Code = Callable[[Guest], Coroutine[Any, Any, Any]]


class _Exit(Awaitable[Answer]):
    """Where a guest leaves for the hypervisor."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def __await__(self) -> Generator[Request, Answer, Answer]:
        return (yield self._request)


class Program:
    """A guest on its way: its coroutine, and the hypercall that it is in."""

    def __init__(self, me: Guest, code: Code) -> None:
        self.me = me
        self._coroutine: Any = code(me)
        if not isinstance(self._coroutine, CoroutineType):
            raise WrongArgument("a guest is an `async def` that takes one argument, itself")
        self.request: Request | None = None
        self.told: Request | None = None  # the one that breakpoints were told of last
        self.unfinished_call = False
        self.ended = False
        self.result: Any = None
        self._answer: Answer | None = None

    def advance(self) -> None:
        """Let it compute until its next hypercall or its end; its exceptions come out."""
        try:
            request = self._coroutine.send(self._answer)
        except StopIteration as end:
            self.ended, self.result = True, end.value
            return
        except BaseException:
            self.ended = True
            raise
        if not isinstance(request, Request):
            self.stop()
            raise WrongArgument("a guest may await nothing but its own hypercalls")
        self.request = request

    def take(self, value: int | None) -> None:
        """Take a hypercall's answer; None: it goes on at the next turn."""
        self.unfinished_call = value is None
        if value is not None and self.request is not None:
            self._answer = self.request.answer(value, self.me.read)
            self.request = None

    def stop(self) -> None:
        """End it where it is; one that stops itself, at its next step."""
        self.ended = True
        if not self._coroutine.cr_running:
            self._coroutine.close()
