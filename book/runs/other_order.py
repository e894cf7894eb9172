# The holder is destroyed first: what its neighbour, who waits for its page, says of it.
import sys

import pyhv

with pyhv.boot(engine=sys.argv[1], cpus=1, memory=256, guests=["neighbours"]) as hv:
    web = hv.create("web-frontend", kernel="neighbours", memory=16, cmdline="role=lender with=2")
    db = hv.create("db-primary", kernel="neighbours", memory=16,
                   cmdline="role=borrower with=1 keep=yes")
    print(web.console.expect(r"lender: I hear[^\r\n]*", timeout=240)[0])
    db.destroy()
    print("db-primary: " + ("still there" if 2 in hv.domains else "gone"))
    print(web.console.expect(r"lender: I took[^\r\n]*", timeout=240)[0])
    web.destroy()
    print("web-frontend: " + ("still there" if 1 in hv.domains else "gone"))
