"""The pages that are made from the code are those that the code makes now."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from moorage.configuration.validation import TYPES
from moorage.settings import list_keys

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def write_docs() -> ModuleType:
    """tools/write_docs.py, which is a script."""
    spec = importlib.util.spec_from_file_location("write_docs", ROOT / "tools" / "write_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_match_the_code(write_docs: ModuleType) -> None:
    for name, text in write_docs.make_pages().items():
        assert (ROOT / name).read_text() == text, "run tools/write_docs.py"


def test_every_setting_is_explained(write_docs: ModuleType) -> None:
    fields, tables = write_docs.read_docstrings()

    for key in list_keys():
        assert fields[key.name].endswith("."), key.name
        assert tables[key.name.rpartition(".")[0]]


def test_every_command_has_a_page_section_with_examples(write_docs: ModuleType) -> None:
    page = (ROOT / "docs" / "operate" / "cli.md").read_text()
    commands = list(write_docs.list_commands(write_docs.build_parser()))

    assert len(commands) >= 12
    for command in commands:
        assert f"## {command.prog}\n" in page
        assert f"\n  {command.prog}" in command.format_help().partition("examples:")[2], command.prog


def test_every_live_setting_is_explained(write_docs: ModuleType) -> None:
    fields = write_docs.read_items()

    for name in TYPES:
        assert fields[name].endswith("."), name
