"""A server with something in it, and a browser that is held to what every page promises."""

import base64
import contextlib
import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from tests import serving
from tests.clients import images
from tests.parts import Parts
from tests.parts.base import Broken
from tests.parts.chromium import Chromium, Page
from tests.parts.portal import Portal
from tests.parts.skopeo import Skopeo
from tests.portal.operations import Asked
from tests.serving import Account, Moorage

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
PICTURES = ROOT / "build" / "portal"
"""What the pages looked like in this run: `<page>.<state>.<theme>.<language>.<width>.png`."""

OFTEN = ("en-US", "zh-CN", "de-DE")
"""Languages that every run looks at; the others under --deep."""

LANGUAGES = (*OFTEN, "es-ES", "fr-FR", "ja-JP", "ko-KR", "pt-BR", "ru-RU", "tr-TR", "zh-TW")
WIDE, NARROW = (1280, 800), (390, 844)
AXE = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    "resultTypes": ["violations"],
    "preload": False,  # no rule of these asks for it
}
COLOURS = {**AXE, "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""What another theme can break."""

STRUCTURE = {**AXE, "rules": {"color-contrast": {"enabled": False}}}
"""All but colours, for a state of a page whose colours were looked at in another."""

_NAMES = (
    "aria-command-name", "aria-dialog-name", "aria-input-field-name", "aria-meter-name", "aria-progressbar-name",
    "aria-toggle-field-name", "aria-tooltip-name", "aria-treeitem-name", "button-name", "empty-heading",
    "empty-table-header", "image-alt", "input-button-name", "label", "link-name", "role-img-alt", "select-name",
    "summary-name", "svg-img-alt", "scrollable-region-focusable", "target-size",
)  # fmt: skip
SIZE = {**AXE, "runOnly": {"type": "rule", "values": [
    *_NAMES, "aria-hidden-focus", "aria-required-children", "aria-required-parent", "bypass", "definition-list",
    "dlitem", "heading-order", "landmark-main-is-top-level", "landmark-no-duplicate-banner", "landmark-one-main",
    "landmark-no-duplicate-main", "landmark-unique", "list", "listitem", "meta-viewport", "nested-interactive",
    "page-has-heading-one", "region", "skip-link",
]}}  # fmt: skip
"""What another size can break: it shows and hides, and puts closer. Attributes and colours are the same in each."""

WORDS = {**AXE, "runOnly": {"type": "rule", "values": [
    *_NAMES, "document-title", "html-has-lang", "html-lang-valid", "label-content-name-mismatch", "valid-lang",
]}}  # fmt: skip
"""What another language can break."""

FILTER = 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg"><filter'
"""What the browser itself puts over a page that is seen as by somebody who does not tell all colours."""

_ENDS = "one.effect.getComputedTiming().iterations !== Infinity"  # a loader turns as long as it waits
STILL = f"!document.getAnimations().some((one) => one.playState === 'running' && {_ENDS})"
ROLES = {"admin": 1, "developer": 2, "guest": 3, "maintainer": 4, "limited-guest": 5}


@dataclass
class Pusher:
    """Puts real images into a server, with skopeo."""

    program: Path
    folder: Path
    moorage: Moorage

    def push(self, what: images.Image | images.Index, *names: str, account: Account | None = None) -> None:
        """Copy an image to `project/repository:tag`, under each of the names."""
        account = account or self.moorage.admin
        layout = self.folder / what.digest.replace(":", "-")
        if not layout.exists():
            images.write_layout(layout, {"1": what})
        secret = self.folder / "auth.json"
        secret.write_text(json.dumps({"auths": {self.moorage.host: {"auth": _basic(account)}}}))
        for name in names:
            words = ["copy", "--all", "--dest-tls-verify=false", "--dest-authfile", str(secret), f"oci:{layout}:1"]
            target = f"docker://{self.moorage.host}/{name}"
            subprocess.run(
                [self.program, *words, target],
                check=True,
                capture_output=True,
                timeout=120,
            )


def _basic(account: Account) -> str:
    return base64.b64encode(f"{account.username}:{account.password}".encode()).decode()


class Quick(Moorage):
    """A server whose projects and people are made by its REST API: starting a command for each takes a second."""

    def create_project(self, name: str, *, public: bool = False) -> None:
        """Make a project."""
        self._make("/projects", {"project_name": name, "metadata": {"public": str(public).lower()}})

    def create_user(self, username: str) -> Account:
        """Make a user with a password of its own."""
        account = Account(username, "Us3r-" + secrets.token_urlsafe(9))
        person = {"username": username, "email": f"{username}@example.org", "realname": username}
        self._make("/users", {**person, "password": account.password})
        return account

    def add_member(self, project: str, account: Account, role: str) -> None:
        """Make an account a member: `admin`, `maintainer`, `developer`, `guest` or `limited-guest`."""
        member = {"role_id": ROLES[role], "member_user": {"username": account.username}}
        self._make(f"/projects/{project}/members", member)

    def _make(self, path: str, sent: Mapping[str, object]) -> None:
        auth = (self.admin.username, self.admin.password)
        answer = httpx.post(f"{self.url}/api/v2.0{path}", json=sent, auth=auth, timeout=120)
        assert answer.status_code == 201, (path, answer.text)


@pytest.fixture(scope="session")
def shared_moorage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moorage]:
    """One server for several files."""
    with serving.serve(tmp_path_factory.mktemp("shared") / "data", kind=Quick) as started:
        yield started


@pytest.fixture(scope="module")
def moorage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moorage]:
    """A server for a file; with `SHARED = True` that of others, too: its names are its own, and it counts no others."""
    if getattr(request.module, "SHARED", False):
        started: Moorage = request.getfixturevalue("shared_moorage")
        yield started
        started.check_log()
        return
    with serving.serve(tmp_path_factory.mktemp("portal") / "data", kind=Quick) as started:
        yield started


@pytest.fixture
def pusher(parts: Parts, moorage: Moorage, tmp_path: Path) -> Pusher:
    """Pushes into that server."""
    return Pusher(parts.get("skopeo", Skopeo).program, tmp_path, moorage)


class Reader:
    """A page of the portal with a person before it: finds things by what they are called.

    Attributes:
        page: the browser's page.
        moorage: the server that it came from.
        expected: parts of what the browser will complain of, because the test asks for it: `404 (Not Found)`.
        cookies: of the last session that was taken.
        languages: that words are looked at in, English first.
        is_still: the person wishes that nothing moves, from the next theme on.
    """

    _known: ClassVar[set[tuple[str, ...]]] = set()
    """Bars and rails that axe has looked at in this run, with what they look like by and the rules."""

    def __init__(self, page: Page, moorage: Moorage, axe: str) -> None:
        self.expected: list[str] = []
        self.cookies: dict[str, str] = {}
        self.languages: tuple[str, ...] = OFTEN
        self.is_still = False
        self.page = page
        self.moorage = moorage
        self._axe = axe

    @contextlib.contextmanager
    def beside(self) -> "Iterator[Reader]":
        """The same person at another tab, held to the same."""
        with self.page.beside() as page:
            page.resize(*WIDE)
            page.prefer("light")
            other = Reader(page, self.moorage, self._axe)
            yield other
            other.check()

    def check(self) -> None:
        """Nothing went wrong, was forbidden, or was asked of anybody else."""
        assert [said for said in self.page.complaints() if not any(one in said for one in self.expected)] == []
        assert [url for url in self.page.requested() if not url.startswith((self.moorage.url, "blob:", FILTER))] == []

    def key(self, key: str, *, times: int = 1) -> None:
        """Press a key: `Enter`, `Tab`, `Escape` or a letter."""
        # What was drawn a moment ago hears no key yet: the page says when it has nothing left to do.
        self.page.value("new Promise((done) => requestIdleCallback(() => done(0), { timeout: 1000 }))")
        self.page.wait("!document.querySelector('[data-held]')")
        codes = {"Enter": 13, "Tab": 9, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "F6": 117}
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        for _ in range(times):
            self.page.press(key, text=text, code=codes.get(key, ord(key[0].upper())))

    def tab_to(self, name: str) -> None:
        """Press Tab until what has the focus is called so."""
        self._look()
        for _ in range(80):
            self.key("Tab")
            found = "window.__name(document.activeElement) || document.activeElement.labels?.[0]?.textContent || ''"
            if str(self.page.value(found)).startswith(name):
                return
        raise Broken(f"Tab does not lead to {name}")

    def open(self, path: str, title: str = "") -> None:
        """Go to an address of the server; `title`: wait for a heading that says so."""
        self.page.open(self.moorage.url + path)
        if title:
            self.see_title(title)

    def enter(self, path: str, title: str, account: Account) -> None:
        """Go to an address as somebody who has signed in, and wait for the heading that it has."""
        self.take_session(account)
        self.open(path, title)

    def take_session(self, account: Account) -> None:
        """Be signed in as somebody, without the form for it; the stories of signing in use that."""
        form = {"principal": account.username, "password": account.password}
        answer = httpx.post(f"{self.moorage.url}/c/login", data=form, timeout=120)
        assert answer.status_code == 200, answer.text
        self.cookies = dict(answer.cookies)
        self.page.take_cookies(self.moorage.url, self.cookies)

    def see_title(self, title: str) -> None:
        """Wait until the page is called so, and shows what it asked for first."""
        is_called = f"document.querySelector('h1')?.textContent === {json.dumps(title)}"
        self.page.wait(f"{is_called} && !document.querySelector('[data-held]')")

    def see(self, text: str, *, seconds: float = 30) -> None:
        """Wait until a text stands on the page."""
        try:
            self.page.wait(f"document.body.innerText.includes({json.dumps(text)})", seconds=seconds)
        except Broken:
            PICTURES.mkdir(parents=True, exist_ok=True)
            self.page.photograph(PICTURES / "not-seen.png")  # what stood there instead
            raise

    def see_gone(self, text: str) -> None:
        """Wait until a text stands on the page no more."""
        self.page.wait(f"!document.body.innerText.includes({json.dumps(text)})")

    def sees(self, text: str) -> bool:
        """Whether a text stands on the page now."""
        return bool(self.page.value(f"document.body.innerText.includes({json.dumps(text)})"))

    def press(self, name: str, *, role: str = "", within: str = "") -> None:
        """Click the first button, link, tab or entry of a menu that is called so; first in what opened last.

        Args:
            name: as a screen reader says it, or how that begins.
            role: of ARIA, where several things are called so.
            within: of ARIA: only inside something that has this role.
        """
        finder = f"window.__named({json.dumps(name)}, {json.dumps(role)}, {json.dumps(within)})"
        self._look()
        self.page.wait(f"{finder} && !{finder}.matches(':disabled')")
        self.stand_still()
        self.page.click_on(finder, name)

    def to_tab(self, name: str) -> None:
        """Press a tab of the line, or its entry in the menu of those that do not fit."""
        self._look()
        self.page.wait("document.querySelector('[data-tabs] a')")
        is_it = f"(one) => window.__name(one) === {json.dumps(name)}"
        link = f"[...document.querySelectorAll('[data-tabs] a')].find({is_it})"
        self.page.wait(f"Boolean({link})")  # what somebody may see comes after the page
        self.stand_still()
        if self.page.value(f"{link}.hidden"):
            self.page.click("[data-tabs] [data-more] button")
            self.press(name, role="menuitem")
            return
        self.page.click_on(link, name)

    def type(self, label: str, text: str) -> None:
        """Type into the field that is labelled so, once it takes something."""
        self._look()
        self.page.wait(f"window.__field({json.dumps(label)})?.matches(':enabled:not([readonly])') === true")
        self.page.value(f"window.__field({json.dumps(label)}).setAttribute('data-typed', '')")
        self.page.fill("[data-typed]", text)
        self._unmark("data-typed")

    def _unmark(self, name: str) -> None:
        self.page.value(f"document.querySelectorAll('[{name}]').forEach((one) => one.removeAttribute('{name}'))")

    def _look(self) -> None:
        self.page.value(_FINDERS)

    def sign_in(self, account: Account) -> None:
        """Type name and password, and wait until the form is gone."""
        self.type("User name", account.username)
        self.type("Password", account.password)
        self.page.click("form [type=submit]")
        self.page.wait("!document.querySelector('[name=password]')")

    def settle(self) -> None:
        """Wait until nothing is loading and nothing moves."""
        until = time.monotonic() + 10  # one that asks for ever is not waited for
        while self.page.is_waiting() and time.monotonic() < until:  # what somebody may do comes beside the page
            time.sleep(0.03)
        self.page.wait(f"!document.querySelector('[aria-busy=true]') && document.fonts.status === 'loaded' && {STILL}")

    def stand_still(self) -> None:
        """Wait until nothing moves: a press would go where a thing was."""
        self.page.wait(STILL)

    def speak(self, language: str) -> None:
        """Choose a language, as somebody did before."""
        self.page.value(f"localStorage.setItem('moorage-language', {json.dumps(language)})")

    def themed(self, theme: str) -> None:
        """Have a theme, as the system's wish."""
        self.page.prefer(theme, is_still=self.is_still)
        self.page.value(f"document.documentElement.dataset.mantineColorScheme === {json.dumps(theme)}")
        self.page.wait(f"document.documentElement.dataset.mantineColorScheme === {json.dumps(theme)}")

    def axe(self, what: Mapping[str, object] = AXE, *, within: str = "") -> list[str]:
        """What keeps people out, in axe's words: rule, place, and what is wrong.

        Args:
            within: a selector: only there. Otherwise everywhere, and a menu that closes is waited for.
        """
        self.page.rest()
        self.page.wait(
            "!document.querySelector('[role=menu]')" if not within else f"document.querySelector({json.dumps(within)})"
        )
        self.settle()
        if not self.page.value("Boolean(window.axe)"):  # half a megabyte, which is not sent again to the same document
            self.page.value(self._axe)
        # A dialog covers half of a field behind it, which nobody can press then, and its page was looked at without it.
        top = "document.querySelector('[role=dialog]')" if what in (SIZE, COLOURS) else "null"
        where = f"document.querySelector({json.dumps(within)})" if within else f"{top} ?? {self._not_known(what)}"
        found: list[dict[str, Any]] = self.page.value(
            f"axe.run({where}, {json.dumps(what)}).then((done) => done.violations.map((one) => ({{id: one.id,"
            " nodes: one.nodes.map((node) => [node.target.join(' '), node.failureSummary])})))"
        )
        return [f"{one['id']} at {place}: {why}" for one in found for place, why in one["nodes"]]

    def _not_known(self, what: Mapping[str, object]) -> str:
        """What axe has not looked at by these rules: not the bar and the rail again, nor the page behind a dialog."""
        frame: list[str] = self.page.value(_FRAME)
        known = (json.dumps(what), *frame)
        seen = ["header[data-no-print]", "nav[data-rail]"] if known in self._known else []
        self._known.add(known)
        return f"{{ exclude: {json.dumps(seen)}.concat(document.querySelector('[role=dialog]') ? ['main'] : []) }}"

    def cut(self) -> list[str]:
        """What is cut off and not to be read whole, with its size and the room that it has."""
        self.settle()
        found: list[str] = self.page.value(_CUT)
        return found

    def pale(self) -> list[str]:
        """Fields and switches that are hardly told from what is behind them, with the contrast of their outline."""
        found: list[str] = self.page.value(_PALE)
        return found

    def photograph(self, name: str, *, theme: str = "light", language: str = "en-US", width: int = WIDE[0]) -> None:
        """Keep a picture of the whole page, also of what is below the window."""
        self.settle()
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.photograph(PICTURES / f"{name}.{theme}.{language}.{width}.png", is_whole=True)

    def keep(self, name: str) -> None:
        """Keep a picture in each theme, of a state of a page that is looked at in another."""
        for theme in ("dark", "light"):
            self.themed(theme)
            self.photograph(name, theme=theme)

    def hear(self, language: str) -> None:
        """Have the page in another language at once, as when another tab chooses it."""
        spoken = f"document.documentElement.lang === {json.dumps(language)}"
        said = json.dumps({"key": "moorage-language", "newValue": language})
        self.page.value(f"{spoken} || window.dispatchEvent(new StorageEvent('storage', {said}))")
        self.page.wait(spoken)

    def cut_anywhere(self, name: str) -> list[str]:
        """What is cut off in any language that a run looks at, wide and narrow. The window is narrow afterwards."""
        found: list[str] = []
        for width, languages in ((WIDE, self.languages), (NARROW, self.languages[::-1])):
            self.page.resize(*width)
            for language in languages:
                self.hear(language)
                self.stand_still()  # other words ask nothing of the server
                found += [f"{name} in {language} at {width[0]}: {one}" for one in self.page.value(_CUT)]
        return found

    def look(self, name: str) -> None:
        """Both themes, wide and narrow, each with axe and a picture; no word of a dialog is cut off in any language."""
        for theme, what in (("light", AXE), ("dark", COLOURS)):
            self.themed(theme)
            assert self.axe(what) == [], f"{name}, {theme}"
            self.photograph(name, theme=theme)
        self.themed("light")
        if self.page.value("Boolean(document.querySelector('[role=dialog]'))"):
            assert self.cut_anywhere(name) == []
        self.page.resize(*NARROW)
        self.settle()
        assert self.page.value("document.documentElement.scrollWidth") <= NARROW[0], f"{name} scrolls sideways at 390"
        assert self.axe(SIZE) == [], f"{name}, narrow"
        self.photograph(name, width=NARROW[0])
        self.page.resize(*WIDE)


@pytest.fixture
def reader(request: pytest.FixtureRequest, parts: Parts, moorage: Moorage) -> Iterator[Reader]:
    """A browser's page. At the end nothing may have gone wrong, been forbidden, or been asked of anybody else."""
    portal = parts.get("portal", Portal)
    with parts.get("chromium", Chromium).page_again(*WIDE) as page:
        page.prefer("light")
        page.prepare(_PATIENT)
        made = Reader(page, moorage, portal.axe())
        if request.config.getoption("--deep"):
            made.languages = LANGUAGES
        yield made
        request.config.stash[ASKED].note(page.sent(), request.node.name)
        made.check()


@pytest.fixture(scope="session", autouse=True)
def _no_old_pictures() -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir(parents=True, exist_ok=True)  # also for whoever keeps the first one, whichever test that is


ASKED = pytest.StashKey[Asked]()
"""What browsers asked of the REST API in this run."""


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ASKED] = Asked()


@pytest.hookimpl(trylast=True)  # after what shuffles
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What looks at all that was asked comes last, and only where everything is asked."""
    last = [one for one in items if one.path == HERE / "test_operations.py"]
    others = [one for one in items if one.path != HERE / "test_operations.py"]
    is_narrowed = bool(config.getoption("keyword")) or any("::" in one for one in config.args)
    files = set(HERE.glob("test_*.py")) - {HERE / "test_operations.py"}
    if is_narrowed or not files <= {one.path for one in others}:
        config.hook.pytest_deselected(items=last)
        last = []
    items[:] = [*others, *last]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what stories have to report: figures, and what no page uses."""
    reports = [one for several in terminalreporter.stats.values() for one in several]
    said = [text for one in reports for key, text in getattr(one, "user_properties", ()) if key == "portal"]
    if said:
        terminalreporter.section("portal")
        for line in dict.fromkeys(said):
            terminalreporter.write_line(line)


AT_ONCE = """
{
  const patient = window.setTimeout;
  window.setTimeout = (run, after, ...more) => patient(run, after === 1000 || after === 2000 ? 20 : after, ...more);
}
"""
"""What is asked again after a failure is asked soon."""

_PATIENT = """
const later = window.setTimeout;
window.setTimeout = (run, after, ...more) => later(run, after === 10_000 ? 40_000 : after, ...more);
"""
"""What can be undone is offered for longer than the product's ten seconds: a busy machine takes longer to press."""

_FRAME = """
[...document.querySelectorAll('header[data-no-print], nav[data-rail]')]
  .map((one) => one.outerHTML.replace(/ (class|data-active|aria-current|data-status|id|aria-controls)="[^"]*"/g, ""))
  .concat(document.documentElement.dataset.mantineColorScheme, document.documentElement.lang, String(innerWidth))
  .concat(document.querySelector("[role=dialog]") ? "covered" : "seen")
"""
"""The bar and the rail, whichever entry is this page's, with what they look like by."""

_FINDERS = (HERE / "finders.js").read_text()
_PALE = (HERE / "pale.js").read_text()
_CUT = (HERE / "cut.js").read_text()
