"""Every page there is, as the portal's own table lists them: in themes, languages, on a phone, and in states."""

import json

import pytest

from tests.parts import Parts
from tests.parts.base import Broken
from tests.parts.portal import Portal
from tests.parts.skopeo import Skopeo
from tests.portal.conftest import AXE, COLOURS, NARROW, PICTURES, STRUCTURE, WIDE, Pusher, Reader
from tests.portal.furnished import Furnished, furnish
from tests.portal.table import PageOf, fill_in, read_pages
from tests.serving import Moorage
from tools.portal import PORTAL

pytestmark = pytest.mark.part("chromium", "portal", "skopeo")

ENGLISH = "en-US"
OFTEN = (ENGLISH, "zh-CN", "de-DE")
"""Languages that every run looks at; the others under --deep."""

LANGUAGES = [
    one if one in OFTEN else pytest.param(one, marks=pytest.mark.deep)
    for one in sorted(folder.name for folder in (PORTAL / "src" / "locales").iterdir() if folder.is_dir())
]
WHERE = "say what it is in `furnish` of tests/portal/furnished.py, and make there what the page is to show"
LOADED = "document.querySelector('h1')?.textContent && !document.querySelector('[class*=Skeleton]')"
SHOWN = (
    "document.querySelector('main [class*=Skeleton]')?.checkVisibility({visibilityProperty: true})"
    " || document.querySelector('main form, main tbody tr, main .panel:not([aria-busy])')"
    " || (!document.querySelector('main [aria-busy=true]') && document.querySelector('main input'))"
)
"""It says that something is on its way, or shows what was known before."""


@pytest.fixture(scope="module")
def furnished(moorage: Moorage, parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Furnished:
    """One of everything."""
    return furnish(moorage, Pusher(parts.get("skopeo", Skopeo).program, tmp_path_factory.mktemp("furnished"), moorage))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page(reader: Reader, moorage: Moorage, furnished: Furnished, parts: Parts, language: str) -> None:
    entries = json.loads((parts.get("portal", Portal).files / "manifest.json").read_text())
    pages = sorted(read_pages(), key=lambda one: not one.is_bare)  # those of somebody who is not signed in come first
    wrong: list[str] = []
    is_inside = False
    reader.open("/sign-in")
    reader.speak(language)
    for page in pages:
        try:
            path = fill_in(page.address, furnished.values)
        except KeyError as missing:
            wrong.append(f"{page.address} ({page.module}): nothing says what ${missing.args[0]} is; {WHERE}")
            continue
        before = len(reader.page.requested())
        if language == ENGLISH or page.is_bare or not is_inside:  # by its address, as from a bookmark
            if not page.is_bare and not is_inside:
                reader.take_session(moorage.admin)
                is_inside = True
            reader.open(path)
        else:
            go(reader, path)
        wrong += look_at(reader, page, language)
        file = entries[page.module]["file"]
        if language == ENGLISH and not any(url.endswith(f"/{file}") for url in reader.page.requested()[before:]):
            wrong.append(f"{page.address}: {path} is not shown by {page.module}")
    assert wrong == []


def go(reader: Reader, path: str) -> None:
    """Follow a link inside of the page: what it has loaded it need not load again."""
    reader.page.value(f"history.pushState(null, '', {json.dumps(path)})")
    reader.page.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))")
    reader.page.wait("!document.querySelector('main[aria-busy=true]')")  # its module has come


def look_at(reader: Reader, page: PageOf, language: str) -> list[str]:
    """What is wrong with a page that was opened: nothing, where all is well. English in both themes, and on a phone."""
    reader.page.wait(LOADED)
    is_english = language == ENGLISH
    wrong = look_once(reader, page, language, AXE if is_english else STRUCTURE)
    wrong += [f"{page.address} in {language}: {found}" for found in reader.cut()]
    if is_english:
        reader.themed("dark")
        wrong += look_once(reader, page, language, COLOURS, theme="dark")
        reader.themed("light")
    reader.page.resize(*NARROW)
    wrong += [f"{page.address} in {language} at {NARROW[0]}: {found}" for found in reader.cut()]
    if is_english:
        wrong += look_once(reader, page, language, STRUCTURE, width=NARROW[0])
    reader.page.resize(*WIDE)
    if reader.page.value("document.documentElement.lang") != language:
        wrong.append(f"{page.address} does not speak {language}")
    if reader.page.value("Boolean(document.querySelector('[role=alert]'))"):
        wrong.append(f"{page.address}: {reader.page.value('document.querySelector(`[role=alert]`).innerText')}")
    return wrong


def look_once(
    reader: Reader,
    page: PageOf,
    language: str,
    what: dict[str, object],
    *,
    theme: str = "light",
    width: int = WIDE[0],
    state: str = "full",
) -> list[str]:
    """What axe says of a page as it stands there, of which a picture is kept."""
    wrong = reader.axe(what)
    reader.photograph(f"{page.name}.{state}", theme=theme, language=language, width=width)
    return [f"{page.address}, {state}, {theme}, {language}, {width}: {found}" for found in wrong]


def test_an_empty_project_says_what_comes_next(reader: Reader, moorage: Moorage, furnished: Furnished) -> None:
    moorage.create_project("empty")
    values = {**furnished.values, "/projects/$project": {"project": "empty"}}
    reader.enter("/projects/empty", "empty", moorage.admin)
    wrong = []
    for page in read_pages():
        if page.address.startswith("/projects/$project") and page.address.count("$") == 1:
            go(reader, fill_in(page.address, values))
            wrong += look_once(reader, page, ENGLISH, AXE, state="empty")
            reader.themed("dark")
            wrong += look_once(reader, page, ENGLISH, COLOURS, theme="dark", state="empty")
            reader.themed("light")
    assert wrong == []


def test_a_page_that_waits_says_so(reader: Reader, moorage: Moorage, furnished: Furnished) -> None:
    reader.enter("/projects", "Projects", moorage.admin)
    reader.settle()
    silent = []
    for page in read_pages():
        if page.is_bare:
            continue
        reader.page.hold("*/api/v2.0/*")
        go(reader, fill_in(page.address, furnished.values))
        try:
            reader.page.wait(SHOWN, seconds=20)
        except Broken:
            silent.append(page.address)
        reader.page.photograph(PICTURES / f"{page.name}.loading.light.en-US.{WIDE[0]}.png")
        reader.page.let_go()
        reader.page.wait(LOADED)
        reader.settle()
    assert silent == []


def test_what_failed_says_why_and_can_be_tried_again(reader: Reader, moorage: Moorage, furnished: Furnished) -> None:
    reader.expected = ["400 (Bad Request)"]
    reader.enter("/projects", "Projects", moorage.admin)
    wrong, failed = [], 0
    for page in read_pages():
        if page.is_bare:
            continue
        go(reader, fill_in(page.address, furnished.values).partition("?")[0] + "?sort=nothing-like-it")
        reader.settle()
        if reader.page.value("Boolean(document.querySelector('main [role=alert]'))"):
            reader.see("Try again")
            wrong += look_once(reader, page, ENGLISH, STRUCTURE, state="error")
            failed += 1
    assert wrong == []
    assert failed > 5


def test_others_read_why_they_may_not(reader: Reader, moorage: Moorage, furnished: Furnished) -> None:
    reader.enter("/projects", "Projects", moorage.create_user("visitor"))
    for page in read_pages():
        if page.address.startswith("/admin/"):
            go(reader, fill_in(page.address, furnished.values))
            reader.see_title("Not allowed")
    reader.look("admin.denied")
