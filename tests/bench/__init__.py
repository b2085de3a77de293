"""What `make bench` runs: Moorage beside other registries and beside the limits of the machine, one at a time.

A row is one kind of work (`rows.py`, `transfers.py`), a column is one server that does it. The servers take turns,
round by round, so that whatever else the machine does meets them alike. Nothing here is a test: a bench that misses
its goal says so in its table and ends with 0.
"""
