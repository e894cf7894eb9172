"""What the book's tests share: the extension, the real tree, and a small one to break."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TOP = HERE.parents[1]
sys.path[:0] = [str(TOP / "book" / "_ext"), str(HERE)]

from quoting import fences, homes, tree  # noqa: E402
from quoting.symbols import Index  # noqa: E402

CACHE = TOP / "build" / "book" / "quoting"


@pytest.fixture(scope="session")
def top() -> Path:
    """The repository."""
    return TOP


@pytest.fixture(scope="session")
def real() -> tuple[Index, list[str]]:
    """The index of the real source, and the files that libclang doubts."""
    return tree.build(TOP / "hv", CACHE)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the fixture tree, to plant faults in."""
    return Path(shutil.copytree(HERE / "house", tmp_path / "house"))


@pytest.fixture
def judge(house: Path) -> Callable[..., homes.Registry]:
    """Registers the fixture tree's book as it stands now."""

    def run(complete: tuple[str, ...] = ()) -> homes.Registry:
        index, doubtful = tree.build(house / "hv", CACHE)
        assert not doubtful
        return homes.register(index, fences.read_book(house / "book"), complete)

    return run
