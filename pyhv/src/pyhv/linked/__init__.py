# Machines that are asked over the link: emulated ones (T1) and real ones (T2).
"""Machines that are asked over the link."""
