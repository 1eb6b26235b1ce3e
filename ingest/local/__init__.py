"""The embedded stack: real parts in one process tree, no cloud account. Not deployed."""
