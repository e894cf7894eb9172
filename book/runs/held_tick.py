# Holds the small guest hello between two seconds, and reads its clock before and after.
import re
import sys

import pyhv

with pyhv.boot(engine=sys.argv[1], cpus=1, memory=256) as hv:
    hello = hv.create("hello", kernel="hello", memory=16)
    print(hello.console.expect(r"hello: second 2,[^\r\n]*", timeout=240)[0])
    hello.pause()
    start = hv.info["now_ns"]
    while hv.info["now_ns"] < start + 2_500_000_000:
        pass
    hello.unpause()
    print(re.findall(r"d1 goes on.*", hv.dmesg())[0].strip())
    print(hello.console.expect(r"hello: second 3,[^\r\n]*", timeout=240)[0])
    print(hello.console.expect(r"hello: second 4,[^\r\n]*", timeout=240)[0])
