# Tables of a few rows: as text, as HTML for a notebook, and as a DataFrame.
"""How objects show themselves, on every tier."""

from collections.abc import Sequence
from html import escape
from typing import Any

Row = dict[str, Any]


def as_text(rows: Sequence[Row]) -> str:
    """Return the rows in columns, numbers to the right."""
    if not rows:
        return "(none)"
    lines = [list(rows[0])] + [[str(value) for value in row.values()] for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    right = [isinstance(value, int) for value in rows[0].values()]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )


def as_html(rows: Sequence[Row]) -> str:
    """Return the rows as an HTML table."""
    if not rows:
        return "<p>(none)</p>"
    head = "".join(f"<th>{escape(name)}</th>" for name in rows[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in row.values()) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def as_table(rows: Sequence[Row]) -> Any:
    """Return a pandas DataFrame, or the rows as they are where pandas is not installed."""
    try:
        import pandas
    except ImportError:
        return list(rows)
    return pandas.DataFrame(list(rows))


class Shown:
    """What shows itself as a table: its `_rows()`."""

    def _rows(self) -> list[Row]:
        raise NotImplementedError

    def __repr__(self) -> str:
        return as_text(self._rows())

    def _repr_html_(self) -> str:
        return as_html(self._rows())

    def table(self) -> Any:
        """Return it as a DataFrame, or as a list of rows where pandas is not installed."""
        return as_table(self._rows())
