# Experiments that can be repeated: recorded in a folder, and replayed from it.
"""`hv record replay`."""
