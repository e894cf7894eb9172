# Two visitors of the store take the next free number: by reading and writing, and in transactions.
import sys
from collections.abc import Iterator

import pyhv
from pyhv.linked.visitor import ERROR, Message, Visitor

READ, START, END, WRITE = 2, 6, 7, 11  # xen/io/xs_wire.h
NEXT = b"/tool/next"


def ask(visitor: Visitor, kind: int, *texts: bytes, transaction: int = 0) -> bytes:
    """Send one request, and return what is answered; an error as its name behind a dash."""
    end = b"" if kind == WRITE else b"\0"
    sent = Message(kind, 1, transaction, b"\0".join(texts) + end).packed()
    answer, _ = Message.first(visitor.talk(sent))
    assert answer is not None
    text = answer.payload.rstrip(b"\0")
    return b"-" + text if answer.kind == ERROR else text


def takes_a_number(visitor: Visitor, transaction: int = 0) -> Iterator[int]:
    """Read the next free number; then, at a later time, write the one after it."""
    number = int(ask(visitor, READ, NEXT, transaction=transaction))
    yield number
    ask(visitor, WRITE, NEXT, str(number + 1).encode(), transaction=transaction)
    yield number


with pyhv.boot(engine=sys.argv[1], cpus=1, memory=256) as hv, Visitor(hv) as a, Visitor(hv) as b:
    print("== alone")
    hv.store[NEXT.decode()] = "5"
    both = [takes_a_number(visitor) for visitor in (a, b)]
    numbers = [next(each) for each in (*both, *both)]
    for name, number in zip("ab", numbers[2:], strict=True):
        print(f"visitor {name} has number {number}")
    print("== together")
    hv.store[NEXT.decode()] = "5"
    waiting = [a, b]
    while waiting:
        begun = [int(ask(visitor, START, b"")) for visitor in waiting]
        both = [takes_a_number(*of) for of in zip(waiting, begun, strict=True)]
        numbers = [next(each) for each in (*both, *both)][: len(both)]
        again = []
        for visitor, transaction, number in zip(waiting, begun, numbers, strict=True):
            answer = ask(visitor, END, b"T", transaction=transaction).decode()
            print(f"visitor {'ab'[visitor is b]} would have number {number}: {answer}")
            again += [visitor] if answer == "-EAGAIN" else []
        waiting = again
