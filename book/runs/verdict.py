# The incident's facts, as `hv why` would be handed them: who owes the next move?
from bell import PAGE, REQ_PROD, RSP_PROD, SEED, Pair, number

from pyhv.why import Device, End, Ring, owes

pair = Pair(SEED)
pair.run()
grant = next(each for each in pair.hv.grants if each.held)
ends = [End(role, domain.id, state=4, vcpus=(domain.vcpus[0].state,),
            port=next(each for each in pair.hv.ports if each.domain == domain.id))
        for role, domain in (("frontend", pair.front), ("backend", pair.back))]
made, done = (number(pair.front, PAGE + at) for at in (REQ_PROD, RSP_PROD))
ring = Ring(grant.ref, grant, req_prod=made, req_event=made, rsp_prod=done, rsp_event=done + 1)
print(owes(Device("letters", "0", *ends, rings=(ring,))))
