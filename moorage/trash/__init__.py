"""The trash: list, restore and purge what was deleted, and preview a deletion."""
