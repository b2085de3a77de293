"""A database of each kind with its tables, and somebody in it."""

from tests.api.identity.conftest import database, empty_file, shared_url, world

__all__ = ["database", "empty_file", "shared_url", "world"]
