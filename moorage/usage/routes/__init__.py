"""Storage use in the REST API."""

from moorage.usage.routes import sizes, usage

ROUTES = (*sizes.ROUTES, *usage.ROUTES)
