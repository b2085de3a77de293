"""Data folders for the stories."""

from pathlib import Path

import pytest

from tests.commands import Commands, serving


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder that does not exist yet."""
    return tmp_path / "data"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a server that ran once."""
    folder = tmp_path_factory.mktemp("filled") / "data"
    with serving(folder):
        pass
    return folder


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    """Runs `moorage` commands inside this process."""
    return Commands(monkeypatch, capsys)
