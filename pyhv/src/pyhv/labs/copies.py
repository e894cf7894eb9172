# The reader's copy of a lab: made once, with holes in it, and never written over.
"""Prepare a reader's copy of a lab, and find the copies of a class."""

import ast
import sys
from pathlib import Path

from pyhv.errors import Failure
from pyhv.labs.catalog import Lab
from pyhv.paths import ROOT


def blanked(text: str) -> str:
    r"""Return a program whose functions have kept their first line and docstring, and no body.

    >>> print(blanked('def half(x):\n    "Halve."\n    # By shifting\n    return x >> 1\n'))
    def half(x):
        "Halve."
        raise NotImplementedError("this body is yours to write")
    <BLANKLINE>
    """
    lines = text.splitlines(keepends=True)
    functions = [node for node in ast.parse(text).body
                 if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    for function in reversed(functions):
        docstring = function.body[0]
        lines[docstring.end_lineno : function.end_lineno] = [
            '    raise NotImplementedError("this body is yours to write")\n']
    return "".join(lines)


def with_holes(lab: Lab) -> dict[str, str]:
    """Return the text of each of the reader's files, by its name in the copy."""
    if not lab.is_compiled:
        return {Path(name).name: blanked((ROOT / name).read_text()) for name in lab.files}
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    try:
        from quoting.blank import blank_files
    except ModuleNotFoundError:
        raise Failure("a lab in C++ is made by libclang, which is not installed: "
                      "pip install './pyhv[labs]'") from None
    finally:
        sys.path.pop(0)
    tree = lab.files[0].split("/")[0]
    files = [name.removeprefix(f"{tree}/") for name in lab.files]
    return {Path(name).name: text
            for name, text in blank_files(ROOT / tree, files, lab.holes).items()}


def prepare(lab: Lab, where: Path, seed: int = 1) -> bool:
    """Make the reader's copy in the folder `where`, with the text of that variant of the lab.

    Returns False, and touches nothing, where some of the reader's files are there already.
    """
    if is_copy(lab, where):
        return False
    files = with_holes(lab) | {"lab.md": lab.text(seed)}
    try:
        where.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (where / name).write_text(text)
    except OSError as error:
        raise Failure(f"{where} cannot be written: {error.strerror}") from None
    return True


def is_copy(lab: Lab, folder: Path) -> bool:
    """Return whether a folder has some of the reader's files of that lab."""
    return any((folder / Path(name).name).exists() for name in lab.files)


def works(lab: Lab, folder: Path) -> list[Path]:
    """Return the copies of a lab in a reader's folder, or in each folder of a class.

    A reader's folder holds one for each lab, by its name. Raises Failure where there is none.
    """
    if is_copy(lab, folder / lab.name):
        return [folder / lab.name]
    if folder.is_dir():
        readers = [one for one in sorted(folder.iterdir()) if is_copy(lab, one / lab.name)]
        if readers:
            return [one / lab.name for one in readers]
    raise Failure(f"there is no copy of {lab.name} in {folder}: "
                  f"`hv lab {lab.name} {folder}` makes one")
