"""Repositories, artifacts, tags, labels and rules in the REST API, one file for each group of operations."""

from moorage.artifacts.routes import (
    additions,
    artifacts,
    compare,
    deletion,
    explain,
    history,
    labels,
    matches,
    parts,
    repositories,
    repository_tags,
    rules,
    sizes,
    tags,
    trash,
    usage,
)

ROUTES = (
    *repositories.ROUTES,
    *artifacts.ROUTES,
    *additions.ROUTES,
    *parts.ROUTES,
    *compare.ROUTES,
    *sizes.ROUTES,
    *usage.ROUTES,
    *tags.ROUTES,
    *history.ROUTES,
    *repository_tags.ROUTES,
    *trash.ROUTES,
    *deletion.ROUTES,
    *labels.ROUTES,
    *rules.ROUTES,
    *explain.ROUTES,
    *matches.ROUTES,
)
