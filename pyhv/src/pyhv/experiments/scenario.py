# What is done in an experiment: guests of one's own in Python, or the words of dom0's shell.
"""Scenarios: a Python file with `run(hv)`, or a file of dom0's commands."""

import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyhv.errors import WrongArgument

HERE = Path(__file__).parent
BUILT_IN = {"T0": HERE / "doorbell.py", "T1": HERE / "hello.rc"}
"""What is recorded where nobody says what."""
UNTIL = re.compile(r"^#\s*until:\s*(.+)$", re.M)


@dataclass(frozen=True)
class Scenario:
    """A scenario's file. `.py` runs hosted (T0), `.rc` is typed by dom0's shell (T1)."""

    path: Path

    @property
    def tier(self) -> str:
        """The tier that it runs on."""
        return "T0" if self.path.suffix == ".py" else "T1"

    def function(self) -> Callable[[Any], object]:
        """Return `run` out of a Python file. Raises WrongArgument."""
        spec = importlib.util.spec_from_file_location("scenario", self.path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        if not callable(getattr(module, "run", None)):
            raise WrongArgument(f"{self.path} defines no run(hv)")
        return module.run

    def commands(self) -> tuple[str, str]:
        """Return dom0's commands, and the pattern on COM1 at which the experiment is over."""
        text = self.path.read_text()
        until = UNTIL.search(text)
        if not until:
            raise WrongArgument(f"{self.path} lacks a line `# until: PATTERN`, which says when the "
                                "experiment is over")
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        return "\n".join([*lines, ""]), until[1]


def choose(path: Path | None, tier: str) -> Scenario:
    """Return the scenario at `path`, or the built-in one of a tier. Raises WrongArgument."""
    if path is None:
        if tier not in BUILT_IN:
            raise WrongArgument(f"--tier {tier}: T0 and T1 can be recorded")
        return Scenario(BUILT_IN[tier])
    if not path.is_file() or path.suffix not in (".py", ".rc"):
        raise WrongArgument(f"{path}: a scenario is a file of Python, .py, or of dom0's words, .rc")
    return Scenario(path)
