# Labs: the reader's copy with holes in it, and the check that says what is right already.
"""Hand out the labs of the chapters, and check what a reader made of them.

A lab is a folder `chapters/CHAPTER/NAME` with a `lab.toml`: `lab.md` says what to build and why,
the files that the reader gets without their bodies are those of the tree itself, which are the
solution, and `check.py` has a generator for each point, which yields what it expects, and then what
came.

>>> from pyhv import labs
>>> [lab.name for lab in labs.find("domains")]
['elf-notes', 'hypercalls', 'interrupts']
>>> labs.find("hypercalls")[0].tier
'T0'
"""

from pyhv.labs.catalog import Lab, all_labs, find
from pyhv.labs.checking import Checked, check
from pyhv.labs.copies import prepare, works
from pyhv.labs.judge import Point

__all__ = ["Checked", "Lab", "Point", "all_labs", "check", "find", "prepare", "works"]
