"""Measurements: each a figure of this machine, on this day, from a run of the real parts."""
