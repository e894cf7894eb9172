# What a program does with the store that knows Xen's own, and nothing of Subfloor: pyxs.
"""Runs under Debian's Python, with the socket's path; prints what went wrong, or `as xenstored`."""

import errno
import sys

from pyxs import Client, PyXSError


def refused(call, *arguments) -> str:
    """Return the name of the error that a call ends with."""
    try:
        call(*arguments)
    except PyXSError as error:
        return errno.errorcode[error.args[0]]
    return "nothing"


def visit(path: str) -> None:
    """Read, write, agree and wait, as the package's own documentation does."""
    with Client(unix_socket_path=path) as store:
        assert store.read(b"/local/domain/0/name") == b"Domain-0"
        assert refused(store.read, b"/no/such/entry") == "ENOENT"
        store.write(b"/tool/pyxs/a", b"one")
        store.mkdir(b"/tool/pyxs/b")
        assert sorted(store.list(b"/tool/pyxs")) == [b"a", b"b"]
        store.set_perms(b"/tool/pyxs/a", [b"b0", b"r5"])
        assert store.get_perms(b"/tool/pyxs/a") == [b"b0", b"r5"]
        assert store.get_domain_path(7) == b"/local/domain/7"
        assert store.is_domain_introduced(0) and not store.is_domain_introduced(77)
        store.SU = True  # pyxs asks Linux whether it is dom0's, and the store is not behind Linux
        assert refused(store.introduce_domain, 77, 1, 1) == "EINVAL"
        assert refused(store.release_domain, 77) == "ENOENT"

        with Client(unix_socket_path=path) as other:
            store.transaction()
            assert store.read(b"/tool/pyxs/a") == b"one"
            store.write(b"/tool/pyxs/a", b"two")
            assert other.read(b"/tool/pyxs/a") == b"one"
            other.write(b"/tool/pyxs/a", b"theirs")
            assert not store.commit()
            assert store.read(b"/tool/pyxs/a") == b"theirs"

            monitor = store.monitor()
            monitor.watch(b"/tool/pyxs", b"token")
            other.write(b"/tool/pyxs/c", b"three")
            events = monitor.wait()
            assert next(events) == (b"/tool/pyxs", b"token")
            assert next(events) == (b"/tool/pyxs/c", b"token")
            monitor.unwatch(b"/tool/pyxs", b"token")
        store.delete(b"/tool/pyxs")
        assert refused(store.list, b"/tool/pyxs") == "ENOENT"


visit(sys.argv[1])
print("as xenstored")
