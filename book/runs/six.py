# Six kernels at once: what each believes the machine to be, and what the machine is.
import re
import sys

import pyhv

LINUXES, SMALL = ("ann", "ben"), ("cid", "dot", "eve", "fay")

with pyhv.boot(engine=sys.argv[1], cpus=1, memory=512, guests=["hello", "linux"]) as hv:
    linuxes = [hv.create(name, kernel="linux", memory=128) for name in LINUXES]
    small = [hv.create(name, kernel="hello", memory=16) for name in SMALL]
    for domain in linuxes:
        domain.console.expect("linux# ", timeout=300)
        domain.console.write("nproc; grep MemTotal /proc/meminfo\n")
        said = domain.console.expect(r"\n(\d+)\r?\nMemTotal: +(\d+)", timeout=60)
        print(f"{domain.name}, a Linux: {said[1]} processor, {int(said[2]) // 1024} MiB")
    for domain in small:
        said = domain.console.expect(r"memory 0+100000 to 0*([0-9a-f]+) type 1", timeout=60)
        print(f"{domain.name}, a small one: 1 processor, {int(said[1], 16) >> 20} MiB")
    everything = sum(domain.memory for domain in hv.domains)
    print(f"promised to them and dom0: {everything} MiB")
    print(f"the machine: {len(hv.cpus)} processor for {len(hv.domains)} domains, 512 MiB")
