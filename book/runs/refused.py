# A guest that tries a toolstack's word, and pointers that lead nowhere.
import pyhv

GET_FEATURES = 6  # XENVER_get_features, in xen/version.h: reads and writes eight bytes
MEMORY = 4 << 20


def say(what: str, answer) -> None:
    """Print one question and its answer."""
    print(f"{what}: {answer.error or int(answer)}")


async def web(me):
    print("== rights")
    for what, domain in (("d2", 2), ("itself", 1), ("dom0", 0), ("d77, who is not there", 77)):
        say(f"d1 asks to pause {what}",
            await me.hypercall("domctl", "pausedomain", {"domain": domain}))

    print("== pointers")
    for what, at in (("in its memory", 0x2000), ("whose last four bytes are not", MEMORY - 4),
                     ("beyond it", MEMORY), ("at the top of all addresses", (1 << 64) - 4)):
        say(f"a structure {what}", await me.hypercall("xen_version", GET_FEATURES, at))


with pyhv.hosted(seed=1, cpus=1, memory=64) as hv:
    hv.create("web")
    hv.create("other")
    hv.run(web=web)
