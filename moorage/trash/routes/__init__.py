"""The trash in the REST API."""

from moorage.trash.routes import deletion, trash

ROUTES = (*deletion.ROUTES, *trash.ROUTES)
