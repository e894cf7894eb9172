# What domains share, asked of the hypervisor in dom0's name, as the dom0 of T1 and T2 asks it.
"""Promises and ports of a hosted machine."""

from typing import Any

from pyhv.api.grants import Grant, Grants, decode
from pyhv.api.ports import STATES, Port, Ports
from pyhv.errors import NoSuchDomain, Refused

PAGE = 4096
LIST_AT, PLACE = 0x18000, 0x400
"""In dom0's memory: a frame number for the hypervisor to read, and where nothing of dom0's is."""
PENDING_AT, MASKED_AT = 2048, 2048 + 512
"""In shared_info, for a guest of 64-bit words."""


def _page(hv: Any, domain: int, kind: int, number: int, frame: int) -> bytes:
    """Return a page that a domain has beside its RAM, through dom0's map. Raises Refused."""
    hv._native.write(0, LIST_AT, PLACE.to_bytes(8, "little"))
    hv.toolstack("memory_op", "acquire_resource", {
        "domid": domain, "type": kind, "id": number, "nr_frames": 1, "frame": frame,
        "frame_list": LIST_AT})
    content = hv._native.read(0, PLACE * PAGE, PAGE)
    hv.toolstack("memory_op", "remove_from_physmap", {"domid": "DOMID_SELF", "gpfn": PLACE})
    return content


def grants_of(hv: Any, domain: int) -> Grants:
    """Return the promises of a domain that are in use; dom0 makes none. Raises NoSuchDomain."""
    size = hv.toolstack("grant_table_op", "query_size", {"dom": domain}, 1)
    if size.status != 0:
        raise NoSuchDomain(f"there is no d{domain}")
    if domain == 0:
        return Grants([])
    version = hv.toolstack("grant_table_op", "get_version", {"dom": domain}, 1).version
    table, marks = 0, hv.constant("XENMEM_resource_grant_table_id_status")
    kind, entries_in_a_frame = hv.constant("XENMEM_resource_grant_table"), 512 // version
    found: list[Grant] = []
    for frame in range(size.nr_frames):
        entries, status = _page(hv, domain, kind, table, frame), b""
        if version == 2:
            at = frame % 8 * 512
            status = _page(hv, domain, kind, marks, frame // 8)[at:at + 512]
        found += decode(domain, version, frame * entries_in_a_frame, entries, status)
    return Grants(found)


def ports_of(hv: Any, domain: int) -> Ports:
    """Return the ports of a domain that are in use. Raises NoSuchDomain."""
    try:
        # Of the layouts, the first is a hosted guest's: words of 64 bits
        page = _page(hv, domain, hv.constant("resource_event_marks"), 0, 0)
    except Refused as refused:
        if refused.error == "ESRCH":
            raise NoSuchDomain(f"there is no d{domain}") from refused
        if refused.error != "EPERM":
            raise
        page = bytes(PAGE)  # dom0's, which it may see itself alone
    return Ports(_ports(hv, domain, page), "two-level")


def _ports(hv: Any, domain: int, page: bytes) -> list[Port]:
    found: list[Port] = []
    port = 1
    while (told := _status(hv, domain, port)) is not None:
        state = STATES[told["status"]]
        if state != "closed":
            bit = [page[at + port // 8] >> port % 8 & 1 == 1 for at in (PENDING_AT, MASKED_AT)]
            found.append(Port(domain, port, state, told["vcpu"], *bit, **_bound(state, told)))
        port += 1
    return found


def _status(hv: Any, domain: int, port: int) -> dict[str, Any] | None:
    try:
        return hv.toolstack("event_channel_op", "status", {"dom": domain, "port": port}).fields
    except Refused:
        return None  # neither this port nor any above it


def _bound(state: str, told: dict[str, Any]) -> dict[str, int]:
    if state == "interdomain":
        return {"remote": told["remote_dom"], "remote_port": told["remote_port"]}
    if state == "unbound":
        return {"remote": told["unbound_dom"]}
    return {"number": told[state]} if state in ("virq", "pirq") else {}
