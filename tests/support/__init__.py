"""Servers and faults that several tests share."""
