# Machines for the tests: built once, booted on both emulators, stopped whatever happens.
"""Fixtures that build images and boot them."""

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyhv import build
from pyhv.emulator import Emulator
from pyhv.errors import Failure
from pyhv.machine import Machine
from pyhv.paths import BUILD

Boot = Callable[..., Emulator]


def pytest_configure() -> None:
    """Keep each of several workers on a core of its own: a machine needs one, all the time."""
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})


@pytest.fixture(scope="session")
def image() -> Callable[[str | None], Path]:
    """Build, or fail to, once each, the image that reaches a chapter; None is the whole."""
    built: dict[str | None, Path | Failure] = {}

    def make(through: str | None = None) -> Path:
        if through not in built:
            # Ninja does not see to it that one builds while another does
            with (BUILD / "building.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                try:
                    built[through] = build.build(build.image_targets(through), through, show=False)
                except Failure as failure:
                    built[through] = failure
        outcome = built[through]
        if isinstance(outcome, Failure):
            raise outcome
        return outcome / "hv.elf"

    return make


@pytest.fixture(scope="session")
def module(image, tmp_path_factory) -> Callable[..., Path]:
    """Make boot modules: what `rc` says, and whether Linux is in it."""

    def make(
        commands: str = "", *, linux: bool = False, through: str | None = None,
        guests: tuple[str, ...] = ("hello",),
    ) -> Path:
        path = tmp_path_factory.mktemp("module") / "module.cpio"
        return build.write_module(path, image(through).parent, commands, linux, guests)

    return make


@pytest.fixture
def boot() -> Iterator[Boot]:
    """Boot machines for one test; a machine's fields are the arguments."""
    running: list[Emulator] = []

    def start(**fields) -> Emulator:
        running.append(Emulator(Machine(**fields)))
        return running[-1]

    yield start
    for emulator in running:
        emulator.stop()


@pytest.fixture(scope="module")
def boot_shared() -> Iterator[Boot]:
    """Boot machines that the tests of a whole file share."""
    running: list[Emulator] = []

    def start(**fields) -> Emulator:
        running.append(Emulator(Machine(**fields)))
        return running[-1]

    yield start
    for emulator in running:
        emulator.stop()
