"""Repositories, artifacts, tags, labels and accessories in the REST API, one file for each group of operations."""

from moorage.artifacts.routes import artifacts, repositories, tags

ROUTES = (*repositories.ROUTES, *artifacts.ROUTES, *tags.ROUTES)
