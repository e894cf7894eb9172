# The shared tooling: fetches, builds, boots and talks to Subfloor.
"""Drive Subfloor from Python."""
