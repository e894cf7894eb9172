# What came of looking and reasoning, for a person: on a terminal, and in a notebook.
"""`why(hv, domain)`, and how its answer shows itself."""

from html import escape
from typing import Any

from pyhv.api.domain import Domain
from pyhv.show import Row, as_html, as_text
from pyhv.why.looking import look
from pyhv.why.reasoning import Owed, owes
from pyhv.why.situation import Device, Situation


class Why:
    """Why a domain does not go on: `situation`, and who `owes` the next move.

    >>> from pyhv.api.grants import Grant
    >>> dead = Situation(1, "dying", held=(Grant(1, 42, 2, 0x110, True, "page", True, True),))
    >>> Why(dead)
    d1 is dying
      d1's reference 42: page 0x110 for d2, rw, held rw
      d2 owes the next move: d1 is dead but for what is still held of it, reference 42, \
page 0x110, rw. d2 must unmap it; destroying d2 does that, too.
    """

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.owed = owes(situation)
        self.devices: list[tuple[Device, Owed]] = [(each, owes(each)) for each in situation.devices]

    @property
    def sentences(self) -> list[str]:
        """One sentence for the domain's own life, and one for each of its devices."""
        return [str(self.owed), *(f"{device}: {owed}" for device, owed in self.devices)]

    def _rows(self) -> list[Row]:
        return [row for device, _ in self.devices for row in device.rows()]

    def table(self) -> Any:
        """Return both ends of each device as a DataFrame, or as rows without pandas."""
        from pyhv.show import as_table

        return as_table(self._rows())

    def _title(self) -> str:
        doing = ", ".join(f"v{n} {state}" for n, state in enumerate(self.situation.vcpus))
        title = f"d{self.situation.domain} is {self.situation.life}"
        return f"{title}: {doing}" if doing else title

    def __repr__(self) -> str:
        lines = [self._title(), *(f"  {grant}" for grant in self._held()), f"  {self.owed}"]
        for device, owed in self.devices:
            lines += [str(device), *(f"  {line}" for line in as_text(device.rows()).splitlines())]
            lines += [f"  {fact}" for fact in facts(device)] + [f"  {owed}"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        parts = [f"<p><b>{escape(self._title())}</b></p>",
                 *(f"<p>{escape(str(grant))}</p>" for grant in self._held()),
                 f"<p><i>{escape(str(self.owed))}</i></p>"]
        for device, owed in self.devices:
            parts += [f"<p><b>{escape(str(device))}</b></p>", as_html(device.rows()),
                      *(f"<p>{escape(fact)}</p>" for fact in facts(device)),
                      f"<p><i>{escape(str(owed))}</i></p>"]
        return "".join(parts)

    def _held(self) -> list[Any]:
        shown = {ring.ref for device, _ in self.devices for ring in device.rings}
        return [grant for grant in self.situation.held if grant.ref not in shown]


def facts(device: Device) -> list[str]:
    """Return a line for each ring of a device, and one for the promise that it lies in."""
    return [line for ring in device.rings
            for line in (str(ring), str(ring.grant) if ring.grant else "no such promise")]


def why(hv: Any, domain: Domain | str | int) -> Why:
    """Look at a domain of a machine, and say who owes the next move. Raises NoSuchDomain."""
    number = domain.id if isinstance(domain, Domain) else hv.domains[domain].id
    return Why(look(hv, number))
