# Makes the table of names for the backtrace: from a first link's symbols, as assembly.
"""Usage: symbols.py NM IMAGE OUTPUT."""

import re
import subprocess
import sys
from pathlib import Path

START = 0xFFFFFFFF80200000  # of the image: see image.ld


def short(name: str) -> str:
    """Return a demangled name without parameters, templates' arguments and anonymous namespaces."""
    name = name.replace("(anonymous namespace)::", "").replace("{lambda", "lambda")
    name = re.sub(r" ?\[clone [^]]*\]", "", name)
    while (bare := re.sub(r"<[^<>]*>|\([^()]*\)( const)?", "", name)) != name:
        name = bare
    return name.split(" ")[-1]


def functions(nm: str, image: str) -> list[tuple[int, str]]:
    """Return the functions of `image`: each address once, ascending, with its name."""
    listing = subprocess.run([nm, "-C", image], check=True, capture_output=True, text=True).stdout
    found: dict[int, str] = {}
    for line in listing.splitlines():
        address, kind, name = line.split(" ", 2)
        if kind in "tTwW":
            found.setdefault(int(address, 16), short(name))
    return sorted(found.items())


def main() -> None:
    """Write the table: a count, then offset and name of each function, then the names."""
    nm, image, output = sys.argv[1:]
    table = [(address - START, name) for address, name in functions(nm, image) if address >= START]
    lines = ['.section .symbols, "a"', f"table: .long {len(table)}"]
    lines += [f".long {offset}, name{index} - table" for index, (offset, _) in enumerate(table)]
    lines += [f'name{index}: .asciz "{name}"' for index, (_, name) in enumerate(table)]
    lines += ['.section .note.GNU-stack, "", @progbits', ""]
    Path(output).write_text("\n".join(lines))


if __name__ == "__main__":
    main()
