# A trace as a file that other tools read: CSV, and Parquet, which comes back as the same trace.
"""Files of events."""

import csv
import json
from pathlib import Path
from typing import Any

from pyhv.errors import BadTrace, Failure
from pyhv.trace.event import Event
from pyhv.trace.trace import Facts, Trace

COLUMNS = ["time", "cpu", "domain", "vcpu", "chapter", "name", "fields", "sentence", "section",
           "frequent", "words"]
LAYOUT = "1"


def write_csv(trace: Trace, path: Path) -> Path:
    """Write one line an event; its fields are JSON."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS[:9])
        for event in trace:
            writer.writerow([json.dumps(getattr(event, name)) if name == "fields"
                             else getattr(event, name) for name in COLUMNS[:9]])
    return path


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as missing:
        raise Failure("Parquet needs pyarrow: pip install 'pyhv[notebooks]'") from missing
    return pyarrow, parquet


def _schema(arrow: Any, trace: Trace) -> Any:
    number, text = arrow.uint64(), arrow.string()
    kinds = {"fields": arrow.map_(text, number), "words": arrow.map_(text, text),
             "frequent": arrow.bool_()}
    kinds |= dict.fromkeys(("chapter", "name", "sentence", "section"), text)
    facts = {"pyhv.layout": LAYOUT, "pyhv.lost": str(trace.lost), "pyhv.build": trace.facts.build,
             "pyhv.engine": trace.facts.engine, "pyhv.tier": trace.facts.tier}
    return arrow.schema([(name, kinds.get(name, number)) for name in COLUMNS], metadata=facts)


def write_parquet(trace: Trace, path: Path) -> Path:
    """Write a table with a row an event; where it comes from, and its loss, are its metadata."""
    arrow, parquet = _arrow()
    schema = _schema(arrow, trace)
    events = trace.events
    columns = {
        name: [list(value.items()) for value in (getattr(event, name) for event in events)]
        if name in ("fields", "words") else [getattr(event, name) for event in events]
        for name in COLUMNS
    }
    parquet.write_table(arrow.Table.from_pydict(columns, schema=schema), path)
    return path


def read_parquet(path: str | Path) -> Trace:
    """Return the trace that to_parquet() wrote there. Raises BadTrace."""
    arrow, parquet = _arrow()
    try:
        table = parquet.read_table(path)
        said = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
        if said["pyhv.layout"] != LAYOUT:
            raise BadTrace(f"{path} has layout {said['pyhv.layout']} of a trace; this reads "
                           f"{LAYOUT}")
        events = [
            Event(**row | {"fields": dict(row["fields"]), "words": dict(row["words"])})
            for row in table.select(COLUMNS).to_pylist()
        ]
        facts = Facts(said["pyhv.build"], said["pyhv.engine"], said["pyhv.tier"])
        return Trace(events, int(said["pyhv.lost"]), facts)
    except (OSError, arrow.ArrowException, AttributeError, KeyError, TypeError, ValueError) as why:
        if isinstance(why, BadTrace):
            raise
        raise BadTrace(f"{path} holds no trace that pyhv wrote: {why!r}") from why
