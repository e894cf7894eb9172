# A dom0 without a machine: it answers the link's verbs as chapters/dom0 does, for the unit tests.
"""The other end of a link, in Python."""

from collections.abc import Callable
from typing import Any

from pyhv.errors import Refused
from pyhv.link import Hello

RECORD = 48
"""A TraceRecord's bytes."""
RING = 64
"""How many typed bytes a guest's ring has room for until the guest reads."""


PORTS = 2
"""How many ports are told at once."""


class Guest:
    """A domain of the fake: what the list shows, memory, and a console that `answer` speaks on."""

    def __init__(self, number: int, name: str, memory: int, vcpus: int) -> None:
        self.id, self.name, self.vcpus = number, name, vcpus
        self.ram = bytearray(memory << 20)
        self.paused = self.crashed = False
        self.said = b""
        self.typed = b""
        self.lost = 0

    def letters(self) -> str:
        return "-" + ("-" if self.paused else "b") + ("p" if self.paused else "-") \
            + ("sc" if self.crashed else "--") + "-"

    def listed(self) -> dict[str, Any]:
        kib = len(self.ram) // 1024
        return {"id": self.id, "name": self.name, "state": self.letters(), "memory_kib": kib,
                "max_kib": kib, "vcpus": self.vcpus, "online": 1, "time_ns": 1_500_000_000}


class FakeDom0:
    """Answers `call`, the client's way in. `before` is run before each verb, to break things."""

    def __init__(self) -> None:
        self.hello = Hello(1, 5, "a stand-in", 4096, (), "svm")
        self.guests = [Guest(0, "Domain-0", 2, 1)]
        self.gone: dict[int, Guest] = {}
        self.news: list[str] = []
        self.log = b"I run. I am 12345 bytes, loaded from 0x100000.\n"
        self.files = {"hello": b"\x7fELF"}
        self.upload: tuple[str, bytearray] | None = None
        self.store = {"/local/domain/0/name": "Domain-0"}
        self.records = b""
        self.mask = 0xFFFF
        self.tables: dict[int, bytes] = {}
        self.ports: dict[int, list[dict[str, Any]]] = {}
        self.calls: list[str] = []
        self.created: list[dict[str, Any]] = []
        self.before: Callable[[str], None] = lambda verb: None
        self.closed = False

    def close(self) -> None:
        self.closed = True

    def call(self, verb: str, **arguments: Any) -> Any:
        self.calls.append(verb)
        self.before(verb)
        words = {"from_" if name == "from" else name: value for name, value in arguments.items()}
        do = getattr(self, "do_" + verb.replace(".", "_"), None)
        if do is None:
            raise Refused("no such verb", "ENOSYS")
        return do(**words)

    def find(self, domain: int | str) -> Guest:
        for guest in self.guests:
            if domain in (guest.id, guest.name):
                return guest
        raise Refused(f"no domain {domain!r}: list shows them", "ENOENT")

    def end(self, guest: Guest, how: str) -> None:
        self.guests.remove(guest)
        self.gone[guest.id] = guest
        self.news.append(f"{guest.name} (d{guest.id}) {how}")

    # Domains

    def do_list(self):
        return [guest.listed() for guest in self.guests]

    def do_create(self, name, kernel, memory, vcpus, cmdline, ramdisks=()):
        for file in (kernel, *ramdisks):
            if file not in self.files:
                raise Refused(f"no file '{file}' in the boot module: files lists them", "ENOENT")
        if any(guest.name == name for guest in self.guests):
            raise Refused(f"a domain named {name} exists already", "EEXIST")
        number = 1 + max(guest.id for guest in [*self.guests, *self.gone.values()])
        self.guests.append(Guest(number, name, memory, vcpus))
        self.created.append({"name": name, "kernel": kernel, "ramdisks": list(ramdisks),
                             "memory": memory, "vcpus": vcpus, "cmdline": cmdline})
        return {"id": number}

    def do_pause(self, domain):
        self.find(domain).paused = True

    def do_unpause(self, domain):
        guest = self.find(domain)
        if not guest.paused:
            raise Refused(f"{guest.name} is not paused", "EINVAL")
        guest.paused = False

    def do_shutdown(self, domain):
        self.end(self.find(domain), "powered off")

    def do_reboot(self, domain):
        guest = self.find(domain)
        self.end(guest, f"rebooted: it is d{guest.id + 1} now")
        self.guests.append(Guest(guest.id + 1, guest.name, len(guest.ram) >> 20, guest.vcpus))

    def do_destroy(self, domain):
        self.end(self.find(domain), "destroyed")

    def do_vcpus(self, domain):
        guest = self.find(domain)
        return [{"id": number, "state": "offline" if number else "blocked", "cpu": 0,
                 "time_ns": 1_500_000_000} for number in range(guest.vcpus)]

    def do_registers(self, domain, vcpu):
        self.find(domain)
        return {"rip": 0x100000 + vcpu, "rflags": 2}

    # What domains share

    def do_grants(self, domain, frame):
        self.find(domain)
        table = self.tables.get(domain, b"")
        part = table[frame * 4096:][:4096]
        return {"version": 1, "frames": (len(table) + 4095) // 4096, "entries": part, "status": b""}

    def do_ports(self, domain, from_):
        self.find(domain)
        there = [port for port in self.ports.get(domain, []) if port["port"] >= from_]
        left = there[PORTS:]
        return {"abi": "FIFO", "ports": there[:PORTS], "next": left[0]["port"] if left else 0}

    # What is said

    def do_dmesg(self, from_):
        part = self.log[from_:][:1000]
        return {"text": part, "next": from_ + len(part), "lost": 0}

    def do_news(self, from_):
        return {"lines": self.news[from_:], "next": len(self.news)}

    def do_console_read(self, domain, from_):
        gone = [guest for guest in self.gone.values() if guest.name == domain]
        guest = gone[-1] if gone else self.find(domain)
        start = max(from_, guest.lost)
        part = guest.said[start - guest.lost:][:100]
        return {"text": part, "next": start + len(part), "lost": start - from_}

    def do_console_write(self, domain, bytes):
        guest = self.find(domain)
        taken = bytes[:RING]
        guest.typed += taken
        return {"taken": len(taken)}

    # Files, memory, the store, the machine

    def do_files(self):
        return [{"name": name, "bytes": len(data)} for name, data in self.files.items()]

    def do_file_begin(self, name, bytes):
        self.upload = (name, bytearray(bytes))

    def do_file_write(self, offset, data):
        self.upload[1][offset:offset + len(data)] = data

    def do_file_end(self, crc32c):
        assert isinstance(crc32c, int)
        self.files[self.upload[0]] = bytes(self.upload[1])
        self.upload = None

    def do_file_remove(self, name):
        self.upload = None
        self.files.pop(name, None)

    def do_memory_read(self, domain, gpa, count):
        ram = self.find(domain).ram
        if gpa + count > len(ram):
            raise Refused(f"no memory at {gpa:#x}", "ENOENT")
        return bytes(ram[gpa:gpa + count])

    def do_memory_write(self, domain, gpa, bytes):
        ram = self.find(domain).ram
        if gpa + len(bytes) > len(ram):
            raise Refused(f"no memory at {gpa:#x}", "ENOENT")
        ram[gpa:gpa + len(bytes)] = bytes

    def do_store_read(self, path):
        if path in self.store:
            return self.store[path]
        if any(other.startswith(path.rstrip("/") + "/") for other in self.store):
            return ""
        raise Refused(f"no entry '{path}' in the store", "ENOENT")

    def do_store_list(self, path):
        self.do_store_read(path)
        root = path.rstrip("/") + "/"
        return sorted({other[len(root):].split("/")[0] for other in self.store
                       if other.startswith(root)})

    def do_store_write(self, path, value):
        self.store[path] = value

    def do_store_remove(self, path):
        self.do_store_read(path)
        self.store.pop(path)

    def do_info(self):
        return {"total_kib": 512 * 1024, "free_kib": 400 * 1024, "cpus": 2, "cpu_khz": 1_000_000,
                "now_ns": 5_000_000_000}

    def do_trace_info(self):
        return {"cpus": 1, "capacity": 1024, "record_bytes": RECORD, "mask": self.mask,
                "written": [len(self.records) // RECORD]}

    def do_trace_mask(self, bits):
        self.mask = bits

    def do_trace_read(self, cpu, from_):
        part = self.records[from_ * RECORD:][:RECORD * 2]
        return {"records": part, "next": from_ + len(part) // RECORD, "lost": 0}

    def do_cpus(self):
        return [{"id": 0, "idle_ns": 2_000_000_000}, {"id": 1, "idle_ns": 5_000_000_000}]
