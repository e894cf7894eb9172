# Values out of drgn's objects: the small wrappers of C++ taken off.
"""Numbers, words and lists out of the hypervisor's objects."""

from typing import Any

import drgn


def number(thing: Any) -> int:
    """Return the number in an object that holds one, however wrapped: std::atomic, Mfn, bool."""
    content = thing.prog_.read(thing.address_ + (thing.bit_offset_ or 0) // 8, drgn.sizeof(thing))
    return int.from_bytes(content, "little")


def word(thing: Any) -> str:
    """Return what an enumeration's value is called, in words: "shut down"."""
    kind = thing.type_
    while kind.kind != drgn.TypeKind.ENUM:  # it may be in a std::atomic
        thing = thing.member_("_M_i")
        kind = thing.type_
    value = number(thing)
    names = {each.value: each.name for each in kind.enumerators}
    return names.get(value, str(value)).replace("_", " ")


def elements(array: Any) -> Any:
    """Return the elements of a std::array, as drgn's array."""
    return array.member_("_M_elems")


def pointed(pointer: Any, kind: str | None = None) -> Any:
    """Return what a pointer points to, as its own type or as `kind`; None where it is null."""
    address = number(pointer)
    if address == 0:
        return None
    wanted = kind or pointer.type_.type
    return drgn.Object(pointer.prog_, wanted, address=address)


def part(owner: Any, chapter: str, kind: str) -> Any:
    """Return what a chapter furnished for an owner with `parts`; None where it furnished none."""
    chapters = {each.name: each.value for each in owner.prog_.type("enum hv::Chapter").enumerators}
    return pointed(elements(owner.parts.slots_)[chapters[chapter]], kind)
