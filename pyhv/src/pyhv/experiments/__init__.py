# Experiments that are kept with all that they were made of, so that they can be made again.
"""Experiments that are recorded and replayed."""
