"""A clock that a test moves, and keys of tokens that go by it."""

from pathlib import Path

import pytest

from moorage.access.policy import Account, Entry
from moorage.tokens.registry_tokens import TokenKeys, create_key

NOW = 1_800_000_000
ANN = Account(principal_id=7, epoch=3, kind="user", name="ann")
ENTRIES = {
    "team/app": Entry(frozenset({"pull", "push"}), 4, 2),
    "library/tool": Entry(frozenset({"pull"}), 1, 0),
}


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now: float = NOW

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_key(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture
def keys(folder: Path, clock: Clock) -> TokenKeys:
    return TokenKeys(folder, clock=clock)
