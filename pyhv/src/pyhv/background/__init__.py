# Machines that stay up after the command that booted them: where they are, and who keeps them.
"""Machines in the background."""
