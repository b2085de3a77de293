"""A database of each kind with its tables, and keys."""

from pathlib import Path

import pytest

from moorage.secret_encryption import Seals, create_seal_key
from tests.api.identity.conftest import database, empty_file, shared_url, world

__all__ = ["database", "empty_file", "shared_url", "world"]


@pytest.fixture
def seals(tmp_path: Path) -> Seals:
    """A sealing key of this test's own."""
    create_seal_key(tmp_path / "seal")
    return Seals(tmp_path / "seal")
