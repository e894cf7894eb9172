# The link: how Python asks dom0, over whatever line there is.
"""Talk to dom0: frames with a checksum, over a line of their own, or in the midst of COM1's text.

>>> from pyhv.link import Link
>>> with Link.open("unix:/run/hv-link") as link:  # doctest: +SKIP
...     [row["name"] for row in link.call("list")]
['Domain-0', 'web']
"""

from pyhv.link.client import Hello, Link

__all__ = ["Hello", "Link"]
