# The image by another compiler and another linker, and with a trap at each undefined behaviour.
"""What the source means must not hang on one compiler, nor on what C++ leaves undefined."""

import subprocess

import pytest

from pyhv import build, story
from pyhv import sentences as say
from pyhv.dom0 import Dom0
from pyhv.paths import BUILD, ROOT

pytestmark = pytest.mark.domains

# A wrapped shift, an overflow, a pointer out of line or beyond its array: each becomes UD2.
# Only vptr is left out: it asks for RTTI, which the image does not have.
TRAPS = "-fsanitize=undefined -fno-sanitize=vptr -fsanitize-undefined-trap-on-error"
BUILDS = {
    "clang": ["-DCMAKE_CXX_COMPILER=clang++", "-DCMAKE_C_COMPILER=clang",
              "-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld"],
    "clang-unchecked": ["-DCMAKE_CXX_COMPILER=clang++", "-DCMAKE_C_COMPILER=clang",
                        "-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld", "-DHV_DEBUG=OFF"],
    "trapping": [f"-DCMAKE_CXX_FLAGS={TRAPS}"],
}


def build_image(name: str):
    """Build the image, warnings being errors, in a tree of its own; return it."""
    where = BUILD / name
    build.run(["cmake", "-S", str(ROOT), "-B", str(where), "-G", "Ninja", *BUILDS[name]],
              show=False)
    build.run(["ninja", "-C", str(where), "--quiet", "hv.elf"], show=False)
    return where / "hv.elf"


def runs_linux(boot, module, image) -> None:
    archive = module(build.first_commands(True), linux=True)
    dom0 = Dom0(boot(image=image, module=archive, cpus=2))
    dom0.wait_for_prompt()
    assert dom0.state("hello")
    dom0.enter("linux")
    dom0.wait_for_linux()
    story.linux_powers_off(dom0)
    dom0.machine.send_line(say.POWER_OFF)
    dom0.machine.expect_power_off()


def count_traps(image) -> int:
    """Return how many UD2 instructions an image holds."""
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", image],
                             capture_output=True, text=True, check=True)
    return listing.stdout.count("\tud2")


@pytest.mark.parametrize("name", ["clang", "clang-unchecked"])
def test_clang_and_lld_build_an_image_that_runs_linux(boot, module, name):
    runs_linux(boot, module, build_image(name))


def test_linux_meets_no_undefined_behaviour(boot, module, image):
    trapping = build_image("trapping")
    assert count_traps(trapping) > 1000 + count_traps(image())
    runs_linux(boot, module, trapping)
