"""Which operations of the REST API the portal uses: from what the browser really asked while the stories ran."""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from moorage.access.request_context import BASE
from tests.api.document import document, find_operation
from tests.parts.chromium import Sent
from tests.portal.table import read_pages

EXPLAINED = Path(__file__).parent / "unused_operations.txt"


@dataclass(frozen=True)
class Operation:
    """One operation that is built.

    Attributes:
        id: `listProjects`.
        request: `GET /projects`.
    """

    id: str
    request: str


def list_operations() -> list[Operation]:
    """Those of our OpenAPI document, but for what only says 501: there is nothing to show."""
    return [
        Operation(said["operationId"], f"{method.upper()} {path.removeprefix(BASE)}")
        for path, item in document()["paths"].items()
        for method, said in item.items()
        if isinstance(said, dict) and "operationId" in said and "501" not in said["responses"]
    ]


def read_explained() -> dict[str, str]:
    """The reason of each operation that no page uses. Each line of the file: `ID | REASON`."""
    lines = (line for line in EXPLAINED.read_text().splitlines() if line and not line.startswith("#"))
    return {one.strip(): reason.strip() for one, _, reason in (line.partition("|") for line in lines)}


@dataclass
class Asked:
    """What browsers asked so far.

    Attributes:
        pages: by the operation's id: the addresses of the pages that asked.
        stories: by the operation's id: the tests that saw it.
    """

    pages: dict[str, set[str]] = field(default_factory=dict)
    stories: dict[str, set[str]] = field(default_factory=dict)
    _known: list[tuple[re.Pattern[str], str]] = field(default_factory=list)

    def note(self, sent: Iterable[Sent], story: str) -> None:
        """Take down what a browser's page asked."""
        for one in sent:
            target = urlsplit(one.url)
            if not target.path.startswith(f"{BASE}/"):
                continue
            found = find_operation(one.method, target.path)
            if found is not None:
                self.pages.setdefault(found["operationId"], set()).add(self._page_of(one.page))
                self.stories.setdefault(found["operationId"], set()).add(story)

    def _page_of(self, url: str) -> str:
        """The address of a page as the table has it: `/projects/$project/members`."""
        if not self._known:
            found = sorted((one.address for one in read_pages()), key=lambda one: one.count("$"))
            self._known = [(re.compile(re.sub(r"\\\$\w+", "[^/]+", re.escape(one))), one) for one in found]
        path = urlsplit(url).path
        return next((address for pattern, address in self._known if pattern.fullmatch(path)), path)


def write_report(folder: Path, asked: Asked, explained: Mapping[str, str]) -> None:
    """Write `portal-operations.csv`, for programs, and `portal-operations.md`, for people."""
    folder.mkdir(exist_ok=True)
    rows = [
        (one, sorted(asked.pages.get(one.id, ())), sorted(asked.stories.get(one.id, ()))) for one in list_operations()
    ]
    with (folder / "portal-operations.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("operation", "request", "pages", "stories", "reason"))
        for one, pages, stories in rows:
            reason = "" if pages else explained.get(one.id, "")
            table.writerow((one.id, one.request, " ".join(pages), " ".join(stories), reason))
    used = sum(1 for _, pages, _ in rows if pages)
    lines = [
        "# Operations of the REST API and the pages that use them",
        "",
        "Written by tests/portal/test_operations.py from what the browser asked while all stories of the portal ran.",
        f"Of {len(rows)} built operations pages used {used}.",
        "",
        "| operation | request | pages, or why none |",
        "|---|---|---|",
    ]
    for one, pages, _ in rows:
        said = ", ".join(f"`{page}`" for page in pages) or explained.get(one.id, "**unexplained**")
        lines.append(f"| `{one.id}` | `{one.request}` | {said} |")
    (folder / "portal-operations.md").write_text("\n".join(lines) + "\n")
