# What all Python tests share: the tooling, and the chapters as marks to choose by.
"""Settings for every test here."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pyhv" / "src"))

from pyhv.paths import chapters  # noqa: E402


def pytest_configure(config: pytest.Config) -> None:
    """Know each chapter's name as a mark, and `long`."""
    config.addinivalue_line("markers", "long: takes minutes; only ./tests/run long runs it")
    for chapter in chapters():
        config.addinivalue_line("markers", f"{chapter}: what the chapter {chapter} promises")
