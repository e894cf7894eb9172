# Where a hosted guest is stopped: at its hypercalls, before the hypervisor has heard them.
"""Breakpoints of tier T0, and what a callback may do at them."""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pyhv.errors import Failure, NotOnThisTier, WrongArgument
from pyhv.t0.calls import Request
from pyhv.t0.guest import Guest, Program
from pyhv.t0.native import load

if TYPE_CHECKING:
    from pyhv.t0.domain import HostedDomain


class Hit:
    """A guest is about to make a hypercall: `request`, of `guest`, in `domain`."""

    def __init__(self, breakpoint_: "Breakpoint", guest: Guest, request: Request) -> None:
        self.breakpoint = breakpoint_
        self.guest = guest
        self.request = request
        self.stopped = False

    @property
    def domain(self) -> "HostedDomain":
        """The guest's domain, which may be paused, or worse, from here."""
        return self.guest.domain

    def stop(self) -> None:
        """End the run() that came here; the next begins with this hypercall."""
        self.stopped = True

    def __repr__(self) -> str:
        return f"<{self.domain.name} (d{self.domain.id}) before {self.request!r}>"


class Breakpoint:
    """A hypercall, of one domain or (None) of any, that calls `callback` before it is made."""

    def __init__(self, among: list["Breakpoint"], call: int | str, domain: int | None,
                 callback: Callable[[Hit], Any]) -> None:
        calls = load().CALLS
        if not isinstance(call, str) or "::" in call:
            raise NotOnThisTier(f"no processor here could stop at {call}: a hosted guest is "
                                "stopped at a hypercall, by its name; T1 stops at instructions")
        if call not in calls:
            raise WrongArgument(f"there is no hypercall {call!r}; there are: {' '.join(calls)}")
        self.call, self.domain, self.callback = call, domain, callback
        self.hits = 0
        self._among = among
        among.append(self)

    def remove(self) -> None:
        """Take no more notice; also from inside its own callback."""
        if self in self._among:
            self._among.remove(self)

    def __enter__(self) -> "Breakpoint":
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def __repr__(self) -> str:
        whose = "any domain" if self.domain is None else f"d{self.domain}"
        return f"<breakpoint at {self.call} of {whose}, {self.hits} hits>"


def tell(breakpoints: list[Breakpoint], program: Program) -> bool:
    """Tell whom a program's hypercall concerns, once for each; return whether one says stop."""
    request, guest = program.request, program.me
    if request is None or program.told is request:
        return False
    program.told = request
    concerned = [each for each in breakpoints if each.call == request.name
                 and each.domain in (None, guest.domain.id)]
    # One of them may remove another
    return any([_tell(each, guest, request) for each in concerned if each in breakpoints])


def _tell(breakpoint_: Breakpoint, guest: Guest, request: Request) -> bool:
    hit = Hit(breakpoint_, guest, request)
    breakpoint_.hits += 1
    try:
        breakpoint_.callback(hit)
    except BaseException as mistake:
        # It comes out as it is, and the guest stands where it was
        with suppress(Failure):  # where it is there still
            guest.domain.pause()
        mistake.add_note(f"in the callback of {breakpoint_!r}; it paused {guest!r}")
        mistake.hit = hit  # type: ignore[attr-defined]
        mistake.guest = guest  # type: ignore[attr-defined]
        raise
    return hit.stopped
