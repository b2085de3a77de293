"""Garbage collection: what nothing points to goes, while everybody works."""
