# The image by another compiler and another linker.
"""clang++ and lld build the image without a warning, and what they built runs the household."""

import pytest

from pyhv import build, story
from pyhv import sentences as say
from pyhv.dom0 import Dom0
from pyhv.paths import BUILD, ROOT

pytestmark = pytest.mark.domains


def test_clang_and_lld_build_an_image_that_runs_linux(boot, module):
    where = BUILD / "clang"
    build.run(["cmake", "-S", str(ROOT), "-B", str(where), "-G", "Ninja",
               "-DCMAKE_CXX_COMPILER=clang++", "-DCMAKE_C_COMPILER=clang",
               "-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld"], show=False)
    build.run(["ninja", "-C", str(where), "--quiet", "hv.elf"], show=False)
    archive = module(build.first_commands(True), linux=True)
    dom0 = Dom0(boot(image=where / "hv.elf", module=archive, cpus=2))
    dom0.wait_for_prompt()
    assert dom0.state("hello")
    dom0.enter("linux")
    dom0.wait_for_linux()
    story.linux_powers_off(dom0)
    dom0.machine.send_line(say.POWER_OFF)
    dom0.machine.expect_power_off()
