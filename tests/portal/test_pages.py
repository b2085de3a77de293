"""Every page there is, as the portal's own table lists them: in both themes and other languages, with axe."""

import json

import pytest

from tests.parts import Parts
from tests.parts.portal import Portal
from tests.parts.skopeo import Skopeo
from tests.portal.conftest import NARROW, WIDE, Pusher, Reader
from tests.portal.furnished import Furnished, furnish
from tests.portal.table import PageOf, fill_in, read_pages
from tests.serving import Moorage
from tools.portal import PORTAL

pytestmark = pytest.mark.part("chromium", "portal", "skopeo")

OFTEN = ("en-US", "zh-CN", "de-DE")
"""Languages that every run looks at; the others under --deep."""

LANGUAGES = [
    one if one in OFTEN else pytest.param(one, marks=pytest.mark.deep)
    for one in sorted(folder.name for folder in (PORTAL / "src" / "locales").iterdir() if folder.is_dir())
]
WHERE = "say what it is in `furnish` of tests/portal/furnished.py, and make there what the page is to show"


@pytest.fixture(scope="module")
def furnished(moorage: Moorage, parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Furnished:
    """One of everything."""
    return furnish(moorage, Pusher(parts.get("skopeo", Skopeo).program, tmp_path_factory.mktemp("furnished"), moorage))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page(reader: Reader, moorage: Moorage, furnished: Furnished, parts: Parts, language: str) -> None:
    entries = json.loads((parts.get("portal", Portal).files / "manifest.json").read_text())
    pages = sorted(read_pages(), key=lambda one: not one.is_bare)  # those of somebody who is not signed in come first
    wrong: list[str] = []
    reader.open("/sign-in")
    reader.speak(language)
    entered = False
    for page in pages:
        try:
            path = fill_in(page.address, furnished.values)
        except KeyError as missing:
            wrong.append(f"{page.address} ({page.module}): nothing says what ${missing.args[0]} is; {WHERE}")
            continue
        if not page.is_bare and not entered:
            reader.take_session(moorage.admin)
            entered = True
        before = len(reader.page.requested())
        reader.open(path)
        wrong += look_at(reader, page, language)
        file = entries[page.module]["file"]
        if not any(url.endswith(f"/{file}") for url in reader.page.requested()[before:]):
            wrong.append(f"{page.address}: {path} is not shown by {page.module}")
    assert wrong == []


def look_at(reader: Reader, page: PageOf, language: str) -> list[str]:
    """What is wrong with a page that was opened: nothing, where all is well. English in both themes, and on a phone."""
    wrong = []
    for theme in ("light", "dark") if language == "en-US" else ("light",):
        reader.themed(theme)
        reader.page.wait("document.querySelector('h1')?.textContent && !document.querySelector('[class*=Skeleton]')")
        wrong += [f"{page.address}, {theme}: {found}" for found in reader.axe()]
        reader.photograph(f"{page.name}.full", theme=theme, language=language)
    reader.themed("light")
    for size in (WIDE, NARROW):
        reader.page.resize(*size)
        wrong += [f"{page.address} at {size[0]}: {found}" for found in reader.cut()]
    if language == "en-US":
        reader.photograph(f"{page.name}.full", width=NARROW[0])
    reader.page.resize(*WIDE)
    if reader.page.value("document.documentElement.lang") != language:
        wrong.append(f"{page.address} does not speak {language}")
    if reader.page.value("Boolean(document.querySelector('[role=alert]'))"):
        wrong.append(f"{page.address}: {reader.page.value('document.querySelector(`[role=alert]`).innerText')}")
    return wrong
