"""The trash in the REST API: list, restore and purge deleted things, and preview what a deletion would take.

One file for each group of operations.
"""

from moorage.trash.routes import deletion, trash

ROUTES = (*deletion.ROUTES, *trash.ROUTES)
