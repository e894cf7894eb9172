# Pauses a guest twice by the toolstack, and counts how often it must be let go.
import pyhv
from pyhv import errors

with pyhv.hosted(seed=1, cpus=1, memory=64) as hv:
    web = hv.create("web")
    web.pause()
    web.pause()
    print("held twice:", web.state)
    web.unpause()
    print("let go once:", web.state)
    try:
        web.unpause()
    except errors.Refused as refused:
        print("let go again:", str(refused).rsplit(" ", 1)[-1])
