# What `hv top` shows: how much of a processor each domain has used between two looks.
"""The load of a machine, by domain."""

import time
from typing import Any

from pyhv.command.shared import show_rows, table, tell
from pyhv.linked.domain import state_in_words
from pyhv.linked.machine import Linked
from pyhv.show import Row


def look(hv: Linked) -> dict[str, Any]:
    """Return the machine's clock, and what its domains have used until now."""
    return {"now": hv.ask("info")["now_ns"], "domains": hv.ask("list")}


def load(before: dict[str, Any], after: dict[str, Any]) -> list[Row]:
    """Return a row for each domain: its share of one pCPU between two looks, in percent."""
    elapsed = max(1, after["now"] - before["now"])
    used_before = {one["id"]: one["time_ns"] for one in before["domains"]}
    return [
        {"Name": one["name"], "ID": one["id"], "State": state_in_words(one["state"]),
         "CPU(%)": round(100 * (one["time_ns"] - used_before.get(one["id"], 0)) / elapsed, 1),
         "Time(s)": round(one["time_ns"] / 1e9, 1), "Mem": round(one["memory_kib"] / 1024),
         "VCPUs": one["vcpus"]}
        for one in after["domains"]
    ]


def watch(hv: Linked, interval: float, once: bool, json: bool) -> None:
    """Show the load of each interval, until Ctrl-C or after the first."""
    from rich.live import Live

    before = look(hv)
    time.sleep(interval)
    after = look(hv)
    if once:
        tell(load(before, after), json, show_rows)
        return
    with Live(table(load(before, after)), auto_refresh=False) as live:
        try:
            while True:
                time.sleep(interval)
                before, after = after, look(hv)
                live.update(table(load(before, after)), refresh=True)
        except KeyboardInterrupt:
            return
