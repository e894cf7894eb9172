# What the small guest hello finds out about its processor and its host.
import sys

import pyhv

with pyhv.boot(engine=sys.argv[1], cpus=1, memory=256) as hv:
    hello = hv.create("hello", kernel="hello", memory=16)
    said = hello.console.expect(r"(?s)hello: cpuid.*?\n.*?\n", timeout=120)[0]
    print(said.replace("\r", "").strip())
