"""The web page, built; and the packages that check it: axe, which looks for what keeps people out."""

from pathlib import Path
from typing import ClassVar

from tests.parts.base import Missing, Part
from tools.portal import FILES, PORTAL, STAMP, npm_command

MEND = "python tools/portal.py --modules"


class Portal(Part):
    """The files that the server sends, and portal/node_modules.

    Attributes:
        files: what was built.
        folder_of_sources: portal/.
    """

    name: ClassVar[str] = "portal"
    supply: ClassVar[str] = "npm"
    files: ClassVar[Path] = FILES
    folder_of_sources: ClassVar[Path] = PORTAL

    def find(self) -> str:
        """The first letters of the stamp of its sources."""
        if not (FILES / STAMP).is_file():
            raise Missing(f"the web page is not built ({MEND})")
        modules = PORTAL / "node_modules" / STAMP
        if not modules.is_file() or "tests" not in modules.read_text():
            raise Missing(f"the packages of portal/ are not installed ({MEND})")
        return (FILES / STAMP).read_text()[:12]

    def axe(self) -> str:
        """The script that axe-core is."""
        return (PORTAL / "node_modules" / "axe-core" / "axe.min.js").read_text()

    def npm(self, *words: str) -> list[str]:
        """The command that runs npm here."""
        return [*npm_command(), *words]


PART = Portal
