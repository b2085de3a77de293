"""Every page there is, as the portal's own table lists them: in themes, languages, on a phone, and in states."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.parts import Parts
from tests.parts.base import Broken
from tests.parts.portal import Portal
from tests.parts.skopeo import Skopeo
from tests.portal.conftest import (
    AT_ONCE,
    AXE,
    COLOURS,
    NARROW,
    OFTEN,
    PICTURES,
    SIZE,
    STRUCTURE,
    WIDE,
    WORDS,
    Pusher,
    Reader,
)
from tests.portal.furnished import Furnished, furnish
from tests.portal.table import PageOf, fill_in, read_pages
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal", "skopeo")

ENGLISH = OFTEN[0]
HERE = Path(__file__).parent
LOCALES = HERE.parents[1] / "portal/src/locales"
PSEUDO, UNSPOKEN = (HERE / "pseudo.js").read_text(), (HERE / "unspoken.js").read_text()
PARTS = 4
"""The pages of one test: every fourth."""

WHERE = "say what it is in `furnish` of tests/portal/furnished.py, and make there what the page is to show"
LOADED = "document.querySelector('h1')?.textContent && !document.querySelector('[class*=Skeleton]')"
SHOWN = (
    "!document.querySelector('[data-held]')"
    " && (document.querySelector('main [class*=Skeleton]')?.checkVisibility({visibilityProperty: true})"
    " || document.querySelector('main form, main tbody tr, main .panel:not([aria-busy])')"
    " || (!document.querySelector('main [aria-busy=true]') && document.querySelector('main input')))"
)
"""It says that something is on its way, or shows what was known before."""

REQUESTS = 8
"""What a page may ask the API for when it is opened; what it asks for again by a clock is counted once."""

MORE = {"/projects/$project": 10, "/projects/$project/policy/retention": 9}
"""Pages that ask more often: what wants attention in a project is known by five subjects; a policy has runs, each with
what it comes to, below a head that says how full the project is."""

FRAME = (
    "/systeminfo", "/capabilities", "/users/current", "/users/current/preferences",
    "/jobservice/executions?q=status%3DRunning&page_size=1",
)  # fmt: skip
"""What the frame of all pages asks for: the server, what it can do, who is there with their wishes, and what runs."""

SHIFTS = """
window.__shifted = 0;
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.__shifted += one.value;
}).observe({ type: "layout-shift", buffered: true });
"""
"""How much of what was seen moved away since the page was opened; reported: it depends on how slow the machine is."""

IMPATIENT = """
{
  const usual = window.setTimeout;
  window.setTimeout = (run, after, ...more) => usual(run, after === 150 || after === 400 ? 20 : after, ...more);
}
"""
"""A page says at once that it waits, not after the moment that it gives what comes quickly."""


@pytest.fixture
def reader(reader: Reader) -> Reader:
    """Somebody who wishes that nothing moves: pages and dialogs are looked at once they stand still."""
    reader.is_still = True
    reader.page.prefer("light", is_still=True)
    return reader


@pytest.fixture(scope="module")
def furnished(moorage: Moorage, parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Furnished:
    """One of everything."""
    return furnish(moorage, Pusher(parts.get("skopeo", Skopeo).program, tmp_path_factory.mktemp("furnished"), moorage))


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page(
    reader: Reader,
    moorage: Moorage,
    furnished: Furnished,
    parts: Parts,
    *,
    part: int,
    record_property: Callable[[str, object], None],
) -> None:
    entries = json.loads((parts.get("portal", Portal).files / "manifest.json").read_text())
    pages = sorted(read_pages()[part::PARTS], key=lambda one: not one.is_bare)  # of who is not signed in come first
    wrong: list[str] = []
    most: list[tuple[int, str]] = []
    moved: list[tuple[float, str]] = []
    is_inside = False
    reader.page.prepare(SHIFTS)
    for page in pages:
        try:
            path = fill_in(page.address, furnished.values)
        except KeyError as missing:
            wrong.append(f"{page.address} ({page.module}): nothing says what ${missing.args[0]} is; {WHERE}")
            continue
        before = len(reader.page.requested())
        if not page.is_bare and not is_inside:
            reader.take_session(moorage.admin)
            is_inside = True
        reader.open(path)  # by its address, as from a bookmark
        reader.page.wait(LOADED)
        reader.settle()
        moved.append((float(reader.page.value("window.__shifted")), page.address))
        asked = {(one.method, one.url) for one in reader.page.sent()[before:] if "/api/v2.0/" in one.url}
        own = [f"{method} {url}" for method, url in asked if url.partition("/api/v2.0")[2] not in FRAME]
        most.append((len(own), page.address))
        if len(own) > MORE.get(page.address, REQUESTS):
            wrong.append(f"{page.address} asks {len(own)} times, which is too often: {sorted(own)}")
        wrong += look_at(reader, page)
        file = entries[page.module]["file"]
        if not any(url.endswith(f"/{file}") for url in reader.page.requested()[before:]):
            wrong.append(f"{page.address}: {path} is not shown by {page.module}")
    record_property(
        "portal",
        f"pages {part + 1} of {PARTS}, each opened by its address: at most {max(most)[0]} requests of its own "
        f"({max(most)[1]}) beside the frame's {len(FRAME)}, layout shift at most {max(moved)[0]:.3f} ({max(moved)[1]})",
    )
    assert wrong == []


def go(reader: Reader, path: str) -> None:
    """Follow a link inside of the page: what it has loaded it need not load again."""
    reader.page.value(f"history.pushState(null, '', {json.dumps(path)})")
    reader.page.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))")
    reader.page.wait("!document.querySelector('main[aria-busy=true]')")  # its module has come


def look_at(reader: Reader, page: PageOf) -> list[str]:
    """What is wrong with a page that was opened: nothing, where all is well. In themes, in languages, on a phone."""
    reader.page.wait(LOADED)
    wrong = look_once(reader, page, ENGLISH, AXE) + cut_at(reader, page, ENGLISH, WIDE)
    if reader.page.value("Boolean(document.querySelector('[role=alert]'))"):
        wrong.append(f"{page.address}: {reader.page.value('document.querySelector(`[role=alert]`).innerText')}")
    wrong += unsaid(reader, page)
    reader.themed("dark")
    wrong += look_once(reader, page, ENGLISH, COLOURS, theme="dark")
    reader.themed("light")
    for language in reader.languages[1:]:
        reader.hear(language)
        wrong += look_once(reader, page, language, WORDS) + cut_at(reader, page, language, WIDE)
    reader.page.resize(*NARROW)
    for language in reader.languages[::-1]:
        reader.hear(language)
        wrong += cut_at(reader, page, language, NARROW)
    wrong += look_once(reader, page, ENGLISH, SIZE, width=NARROW[0])
    reader.page.resize(*WIDE)
    return wrong


SAYS_NAME = {
    "button", "checkbox", "columnheader", "combobox", "dialog", "heading", "image", "link", "listbox", "menuitem",
    "navigation", "progressbar", "radio", "radiogroup", "region", "searchbox", "slider", "spinbutton", "switch", "tab",
    "textbox",
}  # fmt: skip
"""What nobody understands by its role alone."""


def unsaid(reader: Reader, page: PageOf) -> list[str]:
    """What a screen reader would read without sense, twice or not at all; the page as it is heard is kept as text."""
    heard = reader.page.heard()
    lines = (f"{'  ' * one.depth}{one.role} {one.name} {one.description}".rstrip() for one in heard)
    (PICTURES / f"{page.name}.heard.txt").write_text("\n".join(lines) + "\n")
    wrong = []
    within = ""
    for one in heard:
        is_drawn = one.role == "image" and within == "button"  # its button has the name
        if one.role in SAYS_NAME and not one.name and not is_drawn:
            wrong.append(f"a {one.role} has no name")
        if one.role in {"status", "log"} and one.is_empty and not one.name:
            wrong.append(f"an empty {one.role} is read")
        if one.name and one.name == one.description and one.role != "SvgRoot":
            wrong.append(f"{one.role} {one.name} is described by its name")
        within = one.role
    return [f"{page.address} by ear: {one}" for one in wrong]


def cut_at(reader: Reader, page: PageOf, language: str, size: tuple[int, int]) -> list[str]:
    """What is cut off of a page."""
    return [f"{page.address} in {language} at {size[0]}: {found}" for found in reader.cut()]


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
    if what in (AXE, COLOURS):
        wrong += reader.pale()
    return [f"{page.address}, {state}, {theme}, {language}, {width}: {found}" for found in wrong]


GUEST = {
    "access", "labels", "logs", "policy.immutability", "policy.retention", "settings", "trash", "webhooks",
    "webhooks.policy",
}  # fmt: skip
DENIED = {"guest": GUEST, "limited-guest": GUEST | {"members", "robots"}}
"""By a role in the project, the pages below it that it may not open."""

ARTIFACT = "/projects/team/repositories/backend~api/tags/2.1.0"
DIALOGS = (
    (ARTIFACT, "Add tag"), (ARTIFACT, "Copy to…"), (ARTIFACT, "More", "Delete artifact…"),
    (ARTIFACT, "More", "Delete tag…"), ("/projects/team/policy/retention", "Run now…"),
    ("/projects/team/robots", "Actions for robot", "Edit robot"),
    ("/projects/team/robots", "Actions for robot", "Delete robot…"),
    ("/projects/team/webhooks", "Actions for ci", "Edit webhook"),
    ("/projects/team/webhooks", "Actions for ci", "Sign what it sends…"),
    ("/projects/team/webhooks", "Actions for ci", "Delete webhook…"), ("/me/tokens", "Actions for laptop", "Revoke…"),
    ("/admin/users", "Actions for bob", "Make administrator…"), ("/admin/users", "Actions for bob", "Edit profile…"),
    ("/admin/users", "Actions for bob", "Lock account…"),
    ("/admin/users", "Actions for bob", "Set password…"), ("/admin/groups", "Actions for engineers", "Rename group…"),
    ("/admin/groups", "Actions for engineers", "Delete group…"),
    ("/admin/registries", "Actions for elsewhere", "Edit registry…"),
    ("/admin/registries", "Actions for elsewhere", "Delete registry…"),
    ("/admin/replications", "Actions for to-elsewhere", "Edit…"),
    ("/admin/replications", "Actions for to-elsewhere", "Delete replication…"),
    ("/admin/robots", "Actions for robot", "Edit robot"),
)  # fmt: skip
"""Dialogs that no story looks at: where, and what is pressed to have them."""


REPOSITORY = "/projects/team/repositories/backend~api"
MENUS = (
    ("/projects", "admin"), ("/projects", "Columns"), (ARTIFACT, "More"), (REPOSITORY, "Actions for 2.1.0"),
    ("/projects/team/policy/retention", "Actions for rule 1"),
    ("/projects/team/trash", "Actions for backend/api:0.9.0"),
)  # fmt: skip
"""One of each kind of menu: where, and what opens it."""

LISTS = ((REPOSITORY, "Platforms"), ("/projects", "Visibility"))
"""What is chosen from a list, by the field's name."""

LIST = "document.activeElement.getAttribute('aria-controls')"
CHECKED = "[...document.querySelectorAll('[role=menu] [aria-checked=true]')].map((one) => one.role)"


@pytest.mark.usefixtures("furnished")
def test_open_menus_and_lists_keep_nobody_out(reader: Reader, moorage: Moorage) -> None:
    reader.enter("/projects", "Projects", moorage.admin)
    wrong: list[str] = []
    for path, name in (*MENUS, *LISTS):
        is_menu = (path, name) in MENUS
        go(reader, path)
        reader.settle()
        shown = "[role=menu]"
        if is_menu:
            reader.press(name)
        else:
            reader.page.click(f"[aria-label={json.dumps(name)}]")
            reader.page.wait("document.activeElement.ariaExpanded === 'true'")
            shown = f"[id={json.dumps(reader.page.value(LIST))}]"
        reader.page.wait(f"document.querySelector({json.dumps(shown)})?.checkVisibility()")
        picture = "menu." + "-".join(re.findall("[a-z]+", f"{path.rpartition('/')[2]} {name}".lower()))
        for theme, what in (("light", AXE), ("dark", COLOURS)):
            reader.themed(theme)
            wrong += [f"{picture}, {theme}: {one}" for one in reader.axe(what, within=shown)]
            reader.photograph(picture, theme=theme)
        reader.themed("light")
        if name in {"admin", "Columns"}:
            kind = "menuitemradio" if name == "admin" else "menuitemcheckbox"
            assert set(reader.page.value(CHECKED)) == {kind}
        reader.key("Escape")
        reader.page.wait(f"!document.querySelector({json.dumps(shown)})?.checkVisibility()")
        if is_menu:
            reader.page.wait("document.activeElement.ariaHasPopup === 'menu'")
    assert wrong == []


@pytest.mark.usefixtures("furnished")
def test_what_hangs_on_an_artifact_stands_as_a_tree(reader: Reader, moorage: Moorage) -> None:
    reader.enter(f"{ARTIFACT}?tab=accessories", "2.1.0", moorage.admin)
    reader.page.wait("document.querySelectorAll('#view ul > li').length === 3")  # an SBOM, two signatures
    assert reader.page.value("document.querySelectorAll('#view ul ul > li').length") == 1
    reader.see("Signature · cosign")
    reader.look("artifact.accessories")


@pytest.mark.usefixtures("furnished")
def test_dialogs_are_whole_in_every_language(reader: Reader, moorage: Moorage) -> None:
    reader.enter("/projects", "Projects", moorage.admin)
    wrong: list[str] = []
    for path, *presses in DIALOGS:
        go(reader, path)
        for press in presses:
            reader.press(press)
        reader.page.wait("document.querySelector('[role=dialog]')")
        if presses[-1] == "Copy to…":  # the field that has the focus opens its list
            reader.page.wait("[...document.querySelectorAll('[role=listbox]')].some((one) => one.checkVisibility())")
            reader.key("Escape")
            reader.page.wait("![...document.querySelectorAll('[role=listbox]')].some((one) => one.checkVisibility())")
        name = "dialog." + "-".join(re.findall("[a-z]+", f"{path.rpartition('/')[2]} {presses[-1]}".lower()))
        for theme, what in (("light", AXE), ("dark", COLOURS)):
            reader.themed(theme)
            wrong += [f"{name}, {theme}: {one}" for one in reader.axe(what) + reader.pale()]
            reader.photograph(name, theme=theme)
        reader.themed("light")
        wrong += reader.cut_anywhere(name)
        reader.page.resize(*WIDE)
        close(reader)
    assert wrong == []


def close(reader: Reader) -> None:
    """Leave a dialog; a list that is open in it takes the first Escape."""
    for _ in range(3):
        if reader.page.value("Boolean(document.querySelector('[role=dialog]'))"):
            reader.key("Escape")
            reader.stand_still()
    reader.page.wait("!document.querySelector('[role=dialog]')")


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


@pytest.mark.usefixtures("furnished")
def test_pages_before_signing_in_are_there_while_they_wait(reader: Reader, furnished: Furnished) -> None:
    for page in (one for one in read_pages() if one.is_bare):
        reader.page.hold("*/api/v2.0/*")
        reader.open(fill_in(page.address, furnished.values))
        keep_as_it_is(reader, f"{page.name}.loading")
        reader.page.let_go()
        reader.page.wait(LOADED)


def keep_as_it_is(reader: Reader, name: str) -> None:
    """Pictures of what does not settle, because it waits."""
    for theme in ("dark", "light"):
        reader.themed(theme)
        reader.page.photograph(PICTURES / f"{name}.{theme}.en-US.{WIDE[0]}.png")


ASKS_NOTHING = {
    "about", "me.profile", "me.preferences", "projects.project.access",
    "projects.project.repositories.repository.info",
}  # fmt: skip
"""Pages that have nothing to ask for, or only what is known already."""


@pytest.mark.parametrize("part", range(2))
def test_a_page_says_that_it_waits_and_why_it_failed(
    reader: Reader, moorage: Moorage, furnished: Furnished, part: int
) -> None:
    reader.expected = ["net::ERR_"]
    reader.page.prepare(AT_ONCE)
    reader.page.prepare(IMPATIENT)
    reader.enter("/projects/team/access", "team", moorage.admin)
    go(reader, f"{REPOSITORY}/info")  # the head of a page is known by now: what fails is what stands below
    reader.see("Answers what")
    go(reader, "/about")
    reader.see_title("About")
    wrong, silent = [], []
    for page in [one for one in read_pages() if not one.is_bare][part::2]:
        reader.page.hold("*/api/v2.0/*")
        go(reader, fill_in(page.address, furnished.values))
        try:
            reader.page.wait(SHOWN, seconds=20)
        except Broken:
            silent.append(page.address)
        keep_as_it_is(reader, f"{page.name}.loading")
        try:
            reader.page.fail("*/api/v2.0/*")
            if page.name not in ASKS_NOTHING:
                reader.page.wait("document.querySelector('main [role=alert]')")
            wrong += look_once(reader, page, ENGLISH, STRUCTURE, state="error")
            reader.themed("dark")
            wrong += look_once(reader, page, ENGLISH, COLOURS, theme="dark", state="error")
            reader.themed("light")
        except Broken:
            wrong.append(f"{page.address} does not say that it failed")
        reader.page.let_go()
        go(reader, "/about")
        reader.see_title("About")
    assert silent == []
    assert wrong == []


def test_what_the_server_refuses_says_why_and_can_be_tried_again(reader: Reader, moorage: Moorage) -> None:
    reader.expected = ["400 (Bad Request)"]
    reader.enter("/projects", "Projects", moorage.admin)
    for path in ("/projects", "/admin/users"):
        go(reader, path + "?sort=nothing-like-it")
        reader.page.wait("document.querySelector('main [role=alert]')")
        reader.see("Try again")
    assert reader.axe(STRUCTURE) == []


def test_deep_links_say_what_they_are_and_whom_to_ask(reader: Reader, moorage: Moorage, furnished: Furnished) -> None:
    within = [page for page in read_pages() if page.address.startswith("/projects/$project")]
    reader.expected = ["403 (Forbidden)"]
    reader.enter("/projects", "Projects", moorage.create_user("outsider"))
    for page in within:
        go(reader, fill_in(page.address, furnished.values))
        reader.see_title("Not allowed")
        reader.see("Ask one of its admins to add you as a member.")
        reader.settle()
        assert not reader.page.value("document.querySelector('main [role=alert], main [aria-busy=true]')"), page.address
    reader.look("project.denied")
    for role, closed in DENIED.items():
        account = moorage.create_user(f"deep-{role}")
        moorage.add_member("team", account, role)
        reader.enter("/projects", "Projects", account)
        found = set()
        for page in within:
            go(reader, fill_in(page.address, furnished.values))
            reader.page.wait(LOADED)
            reader.settle()
            said = reader.page.value("document.querySelector('main').innerText")
            alerts = "document.querySelectorAll('main [role=alert], main [aria-busy=true]').length"
            assert reader.page.value(alerts) == 0, (role, page.address, said)
            if "Not allowed" in said:
                assert "Ask a project admin for " in said
                found.add(page.name.removeprefix("projects.project."))
        assert found == closed, role
        for path in ("/admin/gc", "/admin/audit/purge"):
            go(reader, path)
            reader.see_title("Not allowed")
    go(reader, "/projects/team/webhooks")
    reader.see("Ask a project admin for it.")
    reader.look("project.denied.part")


def test_others_read_why_they_may_not(reader: Reader, moorage: Moorage, furnished: Furnished) -> None:
    reader.enter("/projects", "Projects", moorage.create_user("visitor"))
    for page in read_pages():
        if page.address.startswith("/admin/"):
            go(reader, fill_in(page.address, furnished.values))
            reader.see_title("Not allowed")
    reader.look("admin.denied")


LONGER = (
    "projects", "projects.project.repositories", "projects.project.repositories.repository",
    "projects.project.repositories.repository.tags.reference", "projects.project.repositories.repository.compare",
    "projects.project.policy.retention", "admin.replications.policy.runs.run", "admin.gc", "admin.audit",
)  # fmt: skip
"""The pages that the brief draws, beside that of signing in."""


def test_words_may_be_a_third_longer_and_all_of_them_are_of_the_locales(
    reader: Reader, moorage: Moorage, furnished: Furnished
) -> None:
    areas = sorted(path.stem for path in (LOCALES / "en-US").glob("*.json"))
    reader.page.prepare(PSEUDO.replace("AREAS", json.dumps(areas)))
    pages = {page.name: page for page in read_pages()}
    wrong = []
    for name in ("sign.in", *LONGER):
        if name == LONGER[0]:
            reader.take_session(moorage.admin)
        reader.open(fill_in(pages[name].address, furnished.values))
        reader.page.wait(LOADED)
        reader.see("····")  # it is spoken
        for size in (WIDE, NARROW):
            reader.page.resize(*size)
            wrong += [f"{name} at {size[0]}: {one}" for one in reader.cut()]
            wrong += [f"{name}: {one}, not of the locales" for one in reader.page.value(UNSPOKEN)]
        reader.photograph(f"{name}.full", language="pseudo", width=NARROW[0])
        reader.page.resize(*WIDE)
        reader.photograph(f"{name}.full", language="pseudo")
    assert wrong == []
