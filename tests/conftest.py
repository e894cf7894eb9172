# What all Python tests share: the chapters as marks, so that ./tests/run can choose by chapter.
"""Settings for every test here."""

import pytest

from pyhv.paths import chapters


def pytest_configure(config: pytest.Config) -> None:
    """Know each chapter's name as a mark."""
    for chapter in chapters():
        config.addinivalue_line("markers", f"{chapter}: what the chapter {chapter} promises")
