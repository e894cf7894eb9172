# The borrower maps to read, and writes an answer all the same.
import sys

import pyhv

with pyhv.boot(engine=sys.argv[1], cpus=1, memory=256, guests=["neighbours"],
               counted=sys.argv[1] == "svm") as hv:
    web = hv.create("web-frontend", kernel="neighbours", memory=16, cmdline="role=lender with=2")
    db = hv.create("db-primary", kernel="neighbours", memory=16,
                   cmdline="role=borrower with=1 maps=ro")
    for line in ("by handle", "I wrote", "I gave it back"):
        print(db.console.expect(rf"borrower: {line}[^\r\n]*", timeout=240)[0])
    with hv.freeze() as frozen:
        row = next(row for row in frozen.domains[1].grants if row["ref"] == 42)
        answer = frozen.domains[1].read((int(row["frame"], 16) << 12) + 1024, 14)
        print(f"in d1's page, where an answer should be: {answer.hex(' ')}")
