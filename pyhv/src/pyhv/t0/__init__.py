# Tier T0: the hypervisor hosted in this process, with Python coroutines for guests.
"""The hosted tier. Begin with `pyhv.hosted()`."""
