"""The table of all pages, as the portal's own `pages.ts` files have it: a page that is added there is known here."""

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from tools.portal import PORTAL, environment, node_package

PREFIXES = {
    "": "",
    "bare": "",
    "project": "/projects/$project",
    "repository": "/projects/$project/repositories/$repository",
}
"""What stands before the path of a page, by its frame. Source: portal/src/app/router.tsx."""


@dataclass(frozen=True)
class PageOf:
    """One page.

    Attributes:
        address: with its parameters: `/projects/$project/members`.
        is_bare: it stands alone, without the bar and the rail: for who has not signed in yet.
        module: the file that shows it: `src/members/MembersPage.tsx`.
    """

    address: str
    is_bare: bool
    module: str

    @property
    def name(self) -> str:
        """How its pictures are called: `projects.project.members`."""
        return re.sub(r"[^a-z]+", ".", self.address.lower()).strip(".")


def read_pages() -> list[PageOf]:
    """All pages, in the order of their subjects."""
    command = [str(node_package() / "bin" / "node"), "--no-warnings", "scripts/pages.ts"]
    done = subprocess.run(
        command, cwd=PORTAL, env=environment(), capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr
    return [
        PageOf(
            (PREFIXES[one["frame"]] + "/" + one["path"].strip("/")).rstrip("/") or "/",
            one["frame"] == "bare",
            one["module"],
        )
        for one in json.loads(done.stdout)
    ]


def fill_in(address: str, values: Mapping[str, Mapping[str, str]]) -> str:
    """An address with its parameters put in.

    Args:
        values: by the beginning of addresses, the longest counts: `{"/projects/$project": {"project": "team"}}`; "?" is
            what follows the whole address.

    Raises:
        KeyError: nothing says what a parameter is.
    """
    known: dict[str, str] = {}
    for beginning in sorted(values, key=len):
        if address == beginning or address.startswith(beginning.rstrip("/") + "/"):
            known |= {name: value for name, value in values[beginning].items() if name != "?" or address == beginning}
    return re.sub(r"\$(\w+)", lambda found: known[found[1]], address) + known.get("?", "")
