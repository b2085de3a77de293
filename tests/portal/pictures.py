"""What has to be photographed (pictures.txt), what was, and the report that says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).with_name("pictures.txt")
DEEP = "deep:"
THEMES = ("light", "dark")


@dataclass(frozen=True)
class Cell:
    """A state of a page.

    Attributes:
        pictures: as `<page>.<state>`, all of them made in every run; with `deep:` only under --deep.
        reason: why there is none; empty where there is.
    """

    page: str
    state: str
    pictures: tuple[str, ...]
    reason: str

    def missing(self, kept: Mapping[str, set[str]], *, deep: bool) -> list[str]:
        """The pictures that were not kept, with their themes.

        Args:
            kept: by name the themes, in English at 1280.
            deep: whether the run made those of --deep, too.
        """
        asked = [one.removeprefix(DEEP) for one in self.pictures if deep or not one.startswith(DEEP)]
        return [f"{one}.{theme}" for one in asked for theme in THEMES if theme not in kept.get(one, set())]


def read_cells() -> list[Cell]:
    """The table."""
    cells = []
    for line in TABLE.read_text().splitlines():
        if line.startswith("#"):
            continue
        page, state, said = (part.strip() for part in line.split("|"))
        is_reason = said.startswith("- ")
        cells.append(Cell(page, state, () if is_reason else tuple(said.split()), said[2:] if is_reason else ""))
    return cells


def read_kept(folder: Path) -> dict[str, set[str]]:
    """What is there, by name, with its themes: in English at 1280."""
    kept: dict[str, set[str]] = {}
    for file in folder.glob("*.en-US.1280.png"):
        name, _, theme = file.name.removesuffix(".en-US.1280.png").rpartition(".")
        kept.setdefault(name, set()).add(theme)
    return kept


def write_pictures(folder: Path, cells: list[Cell], kept: Mapping[str, set[str]], *, deep: bool) -> None:
    """Write `portal-pictures.md`."""
    folder.mkdir(exist_ok=True)
    lines = [
        "# Pictures of the portal",
        "",
        f"Written by tests/portal/test_operations.py from the pictures of {'a deep' if deep else 'this'} run.",
        "Names are `<page>.<state>`; each is there in both themes. Other languages, sizes and states are beside them.",
        "",
        "| page | state | pictures, or why none |",
        "|---|---|---|",
    ]
    for one in cells:
        missing = one.missing(kept, deep=deep)
        said = one.reason or ", ".join(f"`{name}`" for name in one.pictures)
        lines.append(
            f"| {one.page} | {one.state} | {said}{' **missing: ' + ', '.join(missing) + '**' if missing else ''} |"
        )
    (folder / "portal-pictures.md").write_text("\n".join(lines) + "\n")
