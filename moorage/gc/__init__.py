"""Garbage collection: delete unreferenced content while clients push and pull."""
