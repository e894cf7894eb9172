# Reference 42: a page that web-frontend lends db-primary, and uses anew before it is given back.
import sys

import pyhv


def hear(domain, what: str) -> None:
    """Wait for a line on a domain's console, and print it with the domain's name."""
    said = domain.console.expect(what + r"[^\r\n]*", timeout=240)[0]
    print(f"{domain.name}: {said.partition(': ')[2]}")


with pyhv.boot(engine=sys.argv[1], cpus=1, memory=256, guests=["neighbours"],
               counted=sys.argv[1] == "svm") as hv:
    with hv.trace("grants", "promises") as trace:
        web = hv.create("web-frontend", kernel="neighbours", memory=16,
                        cmdline="role=lender with=2 forgets=yes")
        db = hv.create("db-primary", kernel="neighbours", memory=16,
                       cmdline="role=borrower with=1 keep=yes")
        print("== incident")
        hear(web, "lender: I promised")
        hear(db, "borrower: by handle")
        hear(web, "lender: I hear")
        hear(web, "lender: the page is mine")
        hear(db, "borrower: now I read")
    print("== told")
    print(trace.of("grant_mapped", "grant_copied", "grant_unmapped").tell())
    print("== row")
    with hv.freeze() as frozen:
        print(frozen.domains[1].grants)
        alive = frozen.domains[1].frames
    print("== end")
    web.destroy()
    print(f"web-frontend, destroyed: {web.state}")
    print(hv.dmesg().strip().splitlines()[-1].strip())
    with hv.freeze() as frozen:
        print(f"frames of web-frontend, alive: {alive}")
        print(f"frames of web-frontend, dying: {frozen.domains[1].frames}")
    db.destroy()
    print("db-primary, destroyed")
    print("\n".join(line.strip() for line in hv.dmesg().splitlines() if " is gone." in line))
