# Two domains write to the same frame number, and a walk of each one's tables tells where it led.
import pyhv

GFN = 0x205

with pyhv.hosted(seed=1, cpus=1, memory=64) as hv:
    for name, words in (("web_frontend", b"web's words"), ("build_runner", b"other words")):
        domain = hv.create(name, memory=4)
        domain.write(GFN << 12, words)
    for domain in list(hv.domains)[1:]:
        walk = domain.p2m.walk(GFN << 12)
        print(f"d{domain.id} {GFN:#x} {walk.mpa >> 12:#x} {domain.read(GFN << 12, 11).decode()}")
