# What a reader gets wrong, as readers do, costs its point, and what came names the fault.
"""Tests of the labs' hosted points with our source, and one mistake in it."""

import pytest
from lab_copies import broken, copy_of, hosted

MARKED = """    if (!held || pin.partial || (wish.write && pin.writers == 0))
        if (const auto status = entry.mark(wish, held); status != GNTST_okay)
            return status;
"""
READ = "    const u64 gfn = entry.read(wish.map, page);\n"
RUNG = """    if (set(words.pending, port))
        return;
"""
TOLD = """    if (!test(words.mask, port))
        select(domain, port, row, words.bits_per_word);
"""
OPENED = "if (clear(words.mask, port) && test(words.pending, port))"
SLEEPS = """    {
        // Say that we poll before looking: an event in between finds us, polling and blocked
        Guard guard{events_of(call.domain).lock};
        events.polled_port = only;
        events_of(call.domain).polling.fetch_or(1u << call.vcpu.id);
        call.vcpu.blocked.store(Blocked::for_port, std::memory_order_seq_cst);
    }
"""
LOOKED = "    const Result<bool> any = any_pending(call, wish.ports, wish.count);\n"
CLEARED = "            board.pending[word].clear(bit_of(port));\n"
SERVED = "            serve(port);\n"
FLAG = "    board.told->exchange(false);\n"
WORDS = "    u64 words = board.selector->exchange(0);\n"
ASLEEP = "        sleep_for(port);\n"
TAKEN = "    board.pending[port / bits_per_word].clear(bit_of(port));\n"
WAITS = "    while ((" + TAKEN.strip("; \n") + " & bit_of(port)) == 0)\n" + ASLEEP
ASKED = "    page.req_event.show(own.heard + 1);\n"
MORE = "    return page.req_prod.look() != own.heard;\n"
SHOWN = "    page.rsp_prod.show(own.told);\n"
WANTED = "    return own.told - page.rsp_event.look() < own.told - before;\n"

MISTAKES = [
    ("memory-map", "loader.cpp", "return Error{XEN_ENOSPC};", ";", "a full map says so",
     "Assertion '__n < this->size()' failed"),
    ("memory-map", "loader.cpp", "if (start == end)", "if (start != end)",
     "lines come out ascending", ""),
    ("start-info", "start_info.cpp", "!fits(module->paddr, module->size, memory.size())", "false",
     "the module is digested", "Assertion '__count <= size()' failed"),
    ("start-info", "start_info.cpp", "if (!line) break;", "",
     "a map that leads nowhere does no harm", "Assertion 'this->_M_is_engaged()' failed"),
    ("elf-notes", "elf.cpp", "if (!fits(value, note.n_descsz, end))", "if (false)",
     "a note that lies does no harm", ""),
    ("elf-notes", "elf.cpp", "(note.n_descsz == 4 || note.n_descsz == 8)", "true",
     "a value of another size is none", "AddressSanitizer"),
    ("elf-notes", "elf.cpp", "name + align_up(note.n_namesz, 4)", "name + note.n_namesz",
     "others are passed over", ""),
    ("interrupts", "local_apic.cpp", "requested_ = true;\n    notify", "notify",
     "the highest is taken first", "none none"),
    ("interrupts", "local_apic.cpp", "waiting >> 4 > floor", "waiting >> 4 >= floor",
     "the served holds back its like", ""),
    ("interrupts", "local_apic.cpp", "owner_.attention.fetch_or(attention_interrupt, "
     "std::memory_order_relaxed);\n}\n\nu32", "}\n\nu32", "an end is noticed", "unnoticed"),
    ("promises", "guest.py", 'me.write(row + 2, struct.pack("<HI", to, frame))\n    ',
     'me.write(row, b"\\1")\n    me.write(row + 2, struct.pack("<HI", to, frame))\n    ',
     "flags come last", "the flags said yes while the row named frame"),
    ("promises", "guest.py", "MAP + MAP_READ_ONLY", "MAP", "the page is borrowed",
     "the row saying reading and writing"),
    ("promises", "guest.py", "if mapped.status != 0:", "if mapped.error:", "a refusal is seen",
     "the promise was made to dom0, and you looked all the same"),
    ("promises", "guest.py", '"handle": mapped.handle}', '"handle": 7}', "the page is borrowed",
     "afterwards reading"),
    ("promises", "guest.py", "return me.compare_exchange(row, struct.pack(\"<H\", idle), "
     "struct.pack(\"<H\", 0))", "me.write(row, bytes(2))\n    return True",
     "what is used is not taken", "True, and the row has lost its promise"),
    ("promises", "guest.py", "return me.compare_exchange(row, struct.pack(\"<H\", idle), "
     "struct.pack(\"<H\", 0))", "if flags == idle:\n        me.write(row, bytes(2))\n"
     "    return flags == idle", "no moment is missed", "right before your write"),
    ("promises", "guest.py", "while not await take_back(me, table):", "if False:",
     "the secret stays one", "the secret was written while dom0 still had the page"),
    ("promises", "guest.py", 'await me.hypercall("sched_op", "yield")', "pass",
     "the secret stays one", "it has not given way: whoever has the page cannot run"),
    ("pins", "pin.cpp", MARKED + READ, READ + MARKED, "what was taken back is not taken",
     "took its page back and promised another one, you marked the row"),
    ("pins", "pin.cpp", "count == Pin::most || ", "", "there is a most", "129 readers, then"),
    ("pins", "pin.cpp", "pin.holder != wish.holder || ", "", "several uses are counted",
     "you made page-153 page-153;"),
    ("pins", "pin.cpp", "        unmark(entry, pin, wish.write);\n        return begun",
     "        return begun", "what was not promised is refused", "bad_page rw/0"),
    ("pins", "pin.cpp", "if (last.value != 0)", "if (false)", "the last one lets go",
     "page-153 --/1"),
    ("pins", "pin.cpp", "if (!held || pin.partial || (", "if (true || (",
     "what is in use is not asked again", ""),
    ("wake", "two_level.cpp", RUNG + TOLD, TOLD + RUNG, "no order loses a ring",
     "the bit was set when the handler was past it"),
    ("wake", "two_level.cpp", RUNG + TOLD, "    const bool masked = test(words.mask, port);\n"
     + RUNG + TOLD.replace("!test(words.mask, port)", "!masked"), "no order loses a ring",
     "it was not told, as if the mask were closed still"),
    ("wake", "two_level.cpp", RUNG, "    set(words.pending, port);\n",
     "a second ring adds nothing", "told"),
    ("wake", "two_level.cpp", f"    {OPENED}\n        select(domain, port, row, "
     "words.bits_per_word);", "    if (test(words.mask, port) && test(words.pending, port))\n"
     "        select(domain, port, row, words.bits_per_word);\n    clear(words.mask, port);",
     "no order loses what waited", "the handler was told of the port and passed it over"),
    ("wake", "two_level.cpp", OPENED, "if (clear(words.mask, port) && false)",
     "an unmasked port is told", "quiet"),
    ("wake", "poll.cpp", "polled_port = only;", "polled_port = 0;", "who polls is woken",
     "0/asleep awake awake"),
    ("doorbell", "doorbell.cpp", CLEARED + SERVED, SERVED + CLEARED,
     "no ring is lost while you answer", "you look at the mask; you serve port 5; you clear bits"),
    ("doorbell", "doorbell.cpp", FLAG + WORDS, WORDS + FLAG,
     "no ring is lost while you answer", "was lost: you are inter"),
    ("doorbell", "doorbell.cpp", "board.selector->exchange(0)", "board.selector->look()",
     "no ring is lost while you answer", "you look at the selector"),
    ("doorbell", "doorbell.cpp", "    board.mask[word].clear(bit_of(port));\n    if (",
     "    const u64 rung = board.pending[word].look();\n    board.mask[word].clear(bit_of(port));\n"
     "    if ((rung & bit_of(port)) == 0) return false;\n    if (",
     "no ring is lost while you open", "you look at pending; I set the pending bit; I look at the"),
    ("doorbell", "doorbell.cpp", "    board.selector->set(u64{1} << word);\n", "",
     "an opened port is answered", "true none left"),
    ("doorbell", "doorbell.cpp", WAITS, WAITS.replace("clear(bit_of(port))", "look()"),
     "no ring is lost while you wait", "was lost"),
    ("doorbell", "doorbell.cpp", WAITS, ASLEEP + TAKEN, "who waits comes back for a ring",
     "you came back from wait_for, and nobody had rung"),
    ("doorbell", "doorbell.cpp", WAITS, TAKEN + ASLEEP, "no ring is lost while you wait",
     "you sleep for ever: I set the pending bit"),
    ("wake", "poll.cpp", SLEEPS + LOOKED, LOOKED + SLEEPS, "no order loses a sleeper",
     "the bell rang after the vCPU had looked"),
    ("ring", "back.cpp", "asked - own.told > Page::size || ", "",
     "who promises too much is a liar", "of the story claim:8 take claim:9 take you made request"),
    ("ring", "back.cpp", "if (asked == own.heard)", "if (asked <= own.heard)", "indices come round",
     "of the story base:fffffffe ask:1 ask:2 ask:3 ask:4 take take take take take you made none"),
    ("ring", "back.cpp", "first <= table_size && count <= table_size - first",
     "first + count <= table_size", "what leads out of the table is refused",
     "you delivered what lies beyond the table"),
    ("ring", "back.cpp", "deliver(first, count)",
     "deliver(page.slot(own.told).copy().first, page.slot(own.told).copy().count)",
     "a request is looked at once", "a request was changed between two looks of yours"),
    ("ring", "back.cpp", ASKED + MORE, "    const bool more = page.req_prod.look() != own.heard;\n"
     + ASKED + "    return more;\n", "no request is slept through", "nobody rang, and you sleep"),
    ("ring", "back.cpp", SHOWN + WANTED, "    const u32 wanted = page.rsp_event.look();\n" + SHOWN
     + WANTED.replace("page.rsp_event.look()", "wanted"), "no answer is kept back",
     "you looked before it asked, and showed your answer without a bell"),
    ("ring", "back.cpp", WANTED, "    return page.rsp_event.look() != own.told + before;\n",
     "a bell rings when it is wanted", "bell"),
]


@pytest.mark.parametrize(("name", "file", "old", "new", "point", "says"), MISTAKES)
def test_a_mistake_costs_its_point(name, file, old, new, point, says, tmp_path):
    lab, where = copy_of(name, tmp_path, solved=True)
    broken(where, file, old, new)
    open_points = {one.name: one for one in hosted(lab, where) if not one.reached}
    assert says in open_points[point].actual + open_points[point].details
