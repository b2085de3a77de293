"""Live settings, which administrators change while the server runs.

They are one row with a version number, and a change holds for the next request in every process. An *item* is one of
them; `items.py` lists all. Boot settings (`moorage/settings.py`) are another thing: what a process needs before it has
a database.
"""
