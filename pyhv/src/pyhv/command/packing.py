# The verb that packs everything for a room without a network.
"""`hv kit`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pyhv import offline
from pyhv.command.shared import Json, app, line, tell


@app.command()
def kit(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The archive to make, a .tar.")],
    json: Json = False,
) -> None:
    """Make one archive with all that a class needs where there is no network.

    Debian's packages and Python's, kernels, the book, the image, the source, and `install`, which
    sets it all up on a bare Debian 12 and ends with the tour. Needs a network itself, and a Debian.
    """
    with Console(stderr=True).status("", refresh_per_second=4) as doing:
        size = offline.make(file, lambda step: doing.update(f"{file.name}: {step}"))
    tell({"kit": str(file), "bytes": size}, json, lambda told: line(
        f"{told['kit']}: {told['bytes'] / 1e6:,.0f} MB. On a bare Debian 12, as root: "
        f"tar -xf {file.name} && subfloor-kit/install"))
