# A stopped machine's memory: by machine address, and as the hypervisor itself addresses it.
"""Read physical memory through the emulator, and the hypervisor's virtual addresses in it."""

from collections.abc import Callable

from pyhv.errors import NoSuchMemory, WrongImage
from pyhv.frozen.door import Door
from pyhv.frozen.information import Information
from pyhv.t0 import native

PAGE = 4096
MEBIBYTE = 1 << 20
# hv/boot/address_space.hpp: all of RAM at a fixed distance, and where the next window begins.
DIRECT_MAP, DIRECT_MAP_END = 0xFFFF800000000000, 0xFFFFC00000000000
ALIGNMENT = 2 * MEBIBYTE  # of where a relocating loader puts the image


class Memory:
    """All of physical memory, read once a page: nothing changes it while the machine stands."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._pages: dict[int, bytes] = {}
        self.reads = 0

    def forget(self) -> None:
        """Read everything anew: the machine ran."""
        self._pages.clear()

    def page(self, frame: int) -> bytes:
        """Return one page. Raises NoSuchMemory."""
        if frame not in self._pages:
            self.reads += 1
            self._pages[frame] = self._door.read(frame * PAGE, PAGE)
        return self._pages[frame]

    def read(self, address: int, count: int) -> bytes:
        """Return bytes from a machine address on. Raises NoSuchMemory."""
        return gather(self.page, lambda at: at, address, count)

    def word(self, address: int) -> int:
        """Return the eight bytes at a machine address as a number."""
        return int.from_bytes(self.read(address, 8), "little")


def gather(
    page: Callable[[int], bytes], translate: Callable[[int], int], address: int, count: int
) -> bytes:
    """Return bytes from an address on, piece by piece: pages may lie anywhere."""
    pieces = []
    while count > 0:
        at = translate(address)
        piece = page(at // PAGE)[at % PAGE:][:count]
        pieces.append(piece)
        address, count = address + len(piece), count - len(piece)
    return b"".join(pieces)


def find_image(memory: Memory, information: Information, mebibytes: int) -> int:
    """Return the machine address where the image lies, known by its build id. Raises WrongImage."""
    for at in range(ALIGNMENT, min(mebibytes, 4096) * MEBIBYTE, ALIGNMENT):
        place = at + information.build_id_offset
        try:
            found = memory.read(place, len(information.build_id))
        except NoSuchMemory:
            continue
        if found == information.build_id:
            return at
    raise WrongImage(
        f"{information.image} is not what runs: its build id {information.build_id.hex()} is "
        "nowhere in the machine's memory. Freeze with the image that was booted, once it has woken"
    )


class Addresses:
    """The hypervisor's virtual addresses, whatever world its processors are in."""

    def __init__(self, memory: Memory, information: Information, loaded_at: int) -> None:
        self.memory = memory
        self._information = information
        self._loaded_at = loaded_at
        self.root = 0  # of the hypervisor's own tables; 0 until they are known
        self._known: dict[int, int] = {}

    def translate(self, address: int) -> int:
        """Return the machine address of one of the hypervisor's. Raises NoSuchMemory."""
        if self._information.start <= address < self._information.end:
            return address - self._information.start + self._loaded_at
        if DIRECT_MAP <= address < DIRECT_MAP_END:
            return address - DIRECT_MAP
        page = address // PAGE
        if page not in self._known:
            self._known[page] = self._walk(page * PAGE)
        return self._known[page] + address % PAGE

    def _walk(self, address: int) -> int:
        steps = []
        if self.root and address >> 47 == 0x1FFFF:
            steps = native.load().walk_tables("host", self.root, address, self.memory.word)
        if not steps or steps[-1].kind != "page":
            raise NoSuchMemory(f"the hypervisor maps nothing at {address:#x}")
        return steps[-1].frame * PAGE + address % steps[-1].bytes

    def read(self, address: int, count: int) -> bytes:
        """Return bytes from one of the hypervisor's addresses on. Raises NoSuchMemory."""
        return gather(self.memory.page, self.translate, address, count)
