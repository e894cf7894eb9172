# Does the doctor find what is here, miss what is not, and name the cure?
"""Examine machines that have little, or lie."""

import json
import subprocess
from importlib import metadata
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pyhv import command, doctor
from pyhv.errors import Failure


def by_name(tier: doctor.Tier) -> dict[str, doctor.Finding]:
    return {finding.name: finding for finding in tier.findings}


@pytest.fixture
def bare(tmp_path, monkeypatch) -> Path:
    """Leave this process a path with nothing on it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def put_program(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_it_knows_the_packages_that_the_tour_installs():
    table = doctor.packages()
    assert table["qemu-system-x86"] == "qemu-system-x86_64"
    assert set(doctor.TO_COMPILE) < set(table)
    assert "clang" not in table, "only the tests want it"


def test_the_first_tour_fetches_neither_bochs_nor_what_makes_an_iso():
    script = doctor.ROOT / "pyhv" / "bootstrap"
    said = subprocess.run(["bash", "-c", f'source {script}; echo "$packages_to_tour"'],
                          capture_output=True, text=True, check=True).stdout
    first = dict(doctor.PACKAGE.findall(said))
    assert {"g++", "qemu-system-x86", "grub-common"} < set(first)
    later = set(doctor.packages()) - set(first)
    assert {"bochs-term", "ovmf", "xorriso"} < later


def test_a_bare_machine_lacks_every_program_and_gets_one_command(bare):
    tiers = doctor.examine()
    assert by_name(tiers[1])["qemu-system-x86"].missing
    assert by_name(tiers[1])["a CPU with VMX in Bochs"].missing
    assert [tier.available for tier in tiers[:2]] == [False, False]
    install, *others = doctor.cures(tiers)
    words = install.split()
    assert words[:2] == ["apt-get", "install"]
    assert {"g++", "qemu-system-x86", "bochs-term"} < set(words)
    assert len(words) == len(set(words)), "each package once"
    assert not any("apt-get" in cure for cure in others)


def test_it_names_the_version_that_a_program_tells(bare):
    put_program(bare, "qemu-system-x86_64", "echo QEMU emulator version 9.8.7")
    assert by_name(doctor.examine()[1])["qemu-system-x86"].found == "9.8.7"


def test_a_program_without_a_version_is_present(bare):
    put_program(bare, "cmake", "exit 3")
    assert by_name(doctor.examine()[0])["cmake"].found == "present"


def test_a_bochs_without_our_model_will_not_do(bare):
    put_program(bare, "bochs", "echo Bochs x86 Emulator 2.7; echo pentium")
    found = by_name(doctor.examine()[1])
    assert found["bochs-term"].found == "2.7"
    assert found["a CPU with VMX in Bochs"].missing


def test_it_wants_libclang_for_the_labs_and_not_for_the_tier(monkeypatch):
    name = "libclang, for the labs in C++"
    assert by_name(doctor.examine()[0])[name].found == metadata.version("libclang")
    monkeypatch.setattr(metadata, "version", _no_such_package)
    tiers = doctor.examine()
    assert by_name(tiers[0])[name].missing
    assert tiers[0].available is not any(
        finding.missing for finding in tiers[0].findings if finding.name != name)
    told = CliRunner().invoke(command.app, ["doctor"])
    assert "to do: pip install './pyhv[labs]'" in told.output


def _no_such_package(name: str) -> str:
    raise metadata.PackageNotFoundError(name)


def test_the_command_tells_the_same_to_people_and_to_programs(bare):
    told = CliRunner().invoke(command.app, ["doctor"])
    assert told.exit_code == 1
    assert "T1 emulated" in told.output and "to do: apt-get install" in told.output
    encoded = CliRunner().invoke(command.app, ["doctor", "--json"])
    tiers = json.loads(encoded.output)
    assert [tier["name"] for tier in tiers] == ["T0", "T1", "T2"]
    assert not tiers[1]["available"]
    assert {"name", "found", "cure", "needed"} == set(tiers[1]["findings"][0])


def test_a_wrong_word_is_told():
    told = CliRunner().invoke(command.app, ["docter"])
    assert told.exit_code == 2
    assert "No such command 'docter'" in told.output


def test_a_tree_that_is_gone_is_told_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    with pytest.raises(Failure, match="pip install ./pyhv"):
        doctor.packages()
    monkeypatch.setattr("sys.argv", ["hv", "doctor"])
    with pytest.raises(SystemExit) as ended:
        command.run()
    assert ended.value.code == 1
    assert "Traceback" not in capsys.readouterr().err
