"""Repositories, artifacts, tags, labels and rules in the REST API, one file for each group of operations."""

from moorage.artifacts.routes import artifacts, history, labels, repositories, repository_tags, rules, tags

ROUTES = (
    *repositories.ROUTES,
    *artifacts.ROUTES,
    *tags.ROUTES,
    *history.ROUTES,
    *repository_tags.ROUTES,
    *labels.ROUTES,
    *rules.ROUTES,
)
