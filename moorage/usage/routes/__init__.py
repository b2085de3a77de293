"""Storage use in the REST API: sizes of repositories and artifacts, and daily figures.

One file for each group of operations.
"""

from moorage.usage.routes import sizes, usage

ROUTES = (*sizes.ROUTES, *usage.ROUTES)
