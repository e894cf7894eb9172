# Which labs there are: a folder with a lab.toml each, in the folder of its chapter.
"""The labs of the tree, and what their files say of them."""

import importlib.util
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from pyhv.errors import Failure, WrongArgument
from pyhv.paths import ROOT, chapters
from pyhv.show import Row


@dataclass(frozen=True)
class Lab:
    """A lab, as its `lab.toml` describes it.

    `files` are those of the tree that the reader gets, `holes` the functions in them that lose
    their bodies, by qualified name, and what stands there instead; in a lab in Python all
    functions do. Its probe is linked with the files `beside` and, where it needs a `machine`, with
    all of hv/; with `moments` it can act between any two functions of the reader's. The machines
    of its emulated points have those `guests` in their module, too. `difficulty` is 1, 2 or 3.
    """

    chapter: str
    name: str
    title: str
    tier: str
    minutes: int
    difficulty: int
    files: list[str]
    beside: list[str] = field(default_factory=list)
    machine: bool = False
    moments: bool = False
    guests: list[str] = field(default_factory=list)
    holes: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The lab's own folder."""
        return ROOT / "chapters" / self.chapter / self.name

    @property
    def is_compiled(self) -> bool:
        """Whether it is a lab in C++; else it is one in Python."""
        return self.files[0].endswith(".cpp")

    @property
    def emulated(self) -> bool:
        """Whether some of its points need an emulator."""
        return self.tier != "T0"

    def text(self, seed: int) -> str:
        """Return what to build and why; for a seed above 1, with what that asks for otherwise."""
        text = (self.folder / "lab.md").read_text()
        if seed == 1:
            return text
        return (f"{text}\n## Your variant\n\nThis copy is variant {seed}. Where these rules differ "
                f"from what is said above, or from a comment in the source, these hold. Check it "
                f"with `hv check {self.name} --seed {seed}`.\n\n{self.points().variant(seed)}\n")

    def points(self) -> ModuleType:
        """Return its check.py: HOSTED and EMULATED, a function for each point, and variant()."""
        return load_module(self.folder / "check.py")

    def row(self) -> Row:
        """Return its line in the list of labs."""
        return {"Lab": self.name, "Chapter": self.chapter, "Tier": self.tier,
                "Minutes": self.minutes, "Difficulty": f"{self.difficulty} of 3",
                "Title": self.title}


def load_module(path: Path) -> ModuleType:
    """Run a Python file, and return it as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _read(path: Path) -> Lab:
    chapter, name = path.parts[-3:-1]
    said: dict[str, Any] = tomllib.loads(path.read_text())
    return Lab(chapter, name, **said)


def all_labs() -> list[Lab]:
    """Return every lab, in the chapters' order."""
    return [_read(path) for chapter in chapters()
            for path in sorted((ROOT / "chapters" / chapter).glob("*/lab.toml"))]


def find(word: str) -> list[Lab]:
    """Return the lab of that name, or all labs of the chapter of that name.

    Raises WrongArgument, and Failure where the chapter has none yet.
    """
    every = all_labs()
    found = [lab for lab in every if word in (lab.name, lab.chapter)]
    if found:
        return found
    if word in chapters():
        raise Failure(f"the chapter {word} has no lab yet; `hv lab` lists those that there are")
    names = " ".join(lab.name for lab in every)
    raise WrongArgument(f"there is no lab and no chapter {word}; the labs are: {names}")
