# Machines of tier T1: built, booted in an emulator of one's own, and gone when they are closed.
"""Machines of tier T1."""
