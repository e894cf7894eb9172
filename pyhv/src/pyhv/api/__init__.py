# The words that all three tiers share: machines, their domains, their virtual CPUs.
"""What a machine, a domain and a vCPU are called and can be asked, whatever they run on."""

from pyhv.api.domain import Domain, Facts, Vcpu
from pyhv.api.machine import Cpus, Domains, Hypervisor

__all__ = ["Cpus", "Domain", "Domains", "Facts", "Hypervisor", "Vcpu"]
