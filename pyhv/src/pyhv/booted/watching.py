# A breakpoint that is heeded while the machine runs: a thread waits for the debugger meanwhile.
"""What `hv.breakpoint` of an emulated machine returns."""

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

from pyhv.errors import Frozen

if TYPE_CHECKING:
    from pyhv.booted.machine import Booted
    from pyhv.frozen.breakpoints import Breakpoint, Hit

A_LOOK = 0.25
"""Seconds between two looks whether the `with` is left: each stops the machine for a moment."""


ASKER = "pyhv: asks dom0 while a breakpoint is heeded"


class Watch:
    """A breakpoint, from the beginning of a `with` to its end; the machine runs on meanwhile.

    `callback` is called in a thread of its own. Where it says stop, or fails, the machine stands
    until the `with` is left, and whoever asks dom0 is told so: by that exception, or by Frozen.
    """

    def __init__(self, hv: "Booted", where: int | str, callback: Callable[["Hit"], Any],
                 domain: int | None) -> None:
        self._hv = hv
        self._wish = (where, callback, domain)
        self._over = threading.Event()
        self._later: list[Future[Any]] = []
        self._stands: Future[Hit] = Future()
        self._told = False

    def __enter__(self) -> "Watch":
        where, callback, domain = self._wish
        self._frozen = self._hv.freeze()
        try:
            self.breakpoint: Breakpoint = self._frozen.break_at(where, callback, domain=domain)
        except BaseException:
            self._frozen.close()
            raise
        self._asker = ThreadPoolExecutor(1, ASKER)
        self._follower = threading.Thread(target=self._follow, daemon=True)
        self._hv.watch = self
        self._follower.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._over.set()
        self._follower.join()
        self._hv.watch = None
        # The machine runs again: what was asked, and not answered, is answered now
        self._asker.shutdown()
        if kind is None and not self._told and self._stands.done():
            self._stands.result()  # raises what the callback raised
        for deed in self._later if kind is None else ():
            deed.result()

    def _follow(self) -> None:
        """Let the machine run, and heed its breakpoints, until they or the `with` are gone."""
        try:
            while not self._over.is_set():
                hit = self._frozen.run(A_LOOK)
                if hit is not None and hit.stopped:
                    self._stands.set_result(hit)
                    self._over.wait()
                elif hit is not None:  # the last one was removed
                    break
        except BaseException as error:
            self._stands.set_exception(error)
            self._over.wait()
        finally:
            self._frozen.close()

    @property
    def hits(self) -> int:
        """How often somebody came there."""
        return self.breakpoint.hits

    @property
    def hit(self) -> "Hit | None":
        """Where the machine stands, once a callback has said stop."""
        stands = self._stands
        return stands.result() if stands.done() and stands.exception() is None else None

    @property
    def is_calling(self) -> bool:
        """Whether it is a callback that asks."""
        return threading.current_thread() is self._follower

    def afterwards(self, deed: Callable[[], Any]) -> None:
        """Do that when the callback is over; what it raises comes out at the end of the `with`."""
        self._later.append(self._asker.submit(deed))

    def meanwhile(self, ask: Callable[[], Any]) -> Any:
        """Ask dom0 while the breakpoint is heeded. Raises what the callback raised, and Frozen."""
        if threading.current_thread().name.startswith(ASKER):
            return ask()
        if self.is_calling:
            raise Frozen("nobody answers in a callback, for nothing runs: read hit.frozen; pause() "
                         "and unpause() are done when it is over")
        answer = self._asker.submit(ask)
        wait([answer, self._stands], return_when=FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        self._told = True
        hit = self._stands.result()
        raise Frozen(f"the machine stands at a breakpoint, {hit!r}: leave the `with` of "
                     "breakpoint(), and it goes on")

    def __repr__(self) -> str:
        return f"<watch of {self._wish[0]}>"
