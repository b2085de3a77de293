"""Chromium without a screen, spoken to over a pipe: no driver, no port, nothing to download.

    with parts.get("chromium", Chromium).page() as page:
        page.open(moorage.url + "/api/v2.0/explorer")
        page.fill("#search", "quota")
        assert page.value("document.querySelectorAll('.operation').length") == 3
        page.require_quiet()

Source: the Chrome DevTools Protocol; a message is JSON and ends with a NUL.
"""

import base64
import contextlib
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from tests.parts.base import STOP_SECONDS, Broken, Part, find_program, run

MEND = "tools/install_parts.sh"
SWITCHES = (
    "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-default-browser-check",
    "--disable-extensions", "--force-device-scale-factor=1", "--remote-debugging-pipe",
)  # fmt: skip


FIRST_PAUSE, PAUSE = 0.004, 0.03
"""Seconds between two looks at something that is waited for: what is there at once costs no more."""


class Chromium(Part):
    """The browser. Each page is in a profile of its own, or in one that keeps nothing but what it has loaded."""

    name: ClassVar[str] = "chromium"

    _process: "subprocess.Popen[bytes] | None" = None
    _wire: "_Wire"
    _keeper: "Page | None" = None
    """A tab that shows nothing, of the browser that was there before."""

    def find(self) -> str:
        """The version that it prints."""
        printed = run(find_program("chromium", mend=MEND), "--version", "--no-sandbox").stdout
        return printed.removeprefix("Chromium ").split()[0]

    def start(self) -> None:
        """Start it and wait until it answers."""
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        command = [
            find_program("chromium", mend=MEND),
            *SWITCHES,
            f"--user-data-dir={self.folder}/profile",
            "about:blank",
        ]
        with (self.folder / "chromium.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash", *map(str, command)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(theirs_in, theirs_out),
                env={**os.environ, "HOME": str(self.folder)}, start_new_session=True,
            )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        self._wire = _Wire(ours_in, ours_out)
        self._wire.ask("Browser.getVersion")

    def stop(self) -> None:
        """Stop it."""
        if self._process is None:
            return
        with contextlib.suppress(Broken, OSError):
            self._wire.ask("Browser.close")
        self._keeper = None
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._wire.close()

    @contextlib.contextmanager
    def page(self, width: int = 1280, height: int = 800) -> Iterator["Page"]:
        """A page of this size, of a browser that was never here, closed at the end."""
        context = self._wire.ask("Target.createBrowserContext")["browserContextId"]
        try:
            with _tab(self._wire, context) as page:
                page.resize(width, height)
                yield page
        finally:
            self._wire.ask("Target.disposeBrowserContext", browserContextId=context)

    @contextlib.contextmanager
    def page_again(self, width: int = 1280, height: int = 800) -> Iterator["Page"]:
        """A page as of somebody who was here before: what it has loaded is not loaded again.

        No cookie, nothing stored and no permission is left of another page.
        """
        if self._keeper is None:
            context = self._wire.ask("Target.createBrowserContext")["browserContextId"]
            self._keeper, _ = _open_tab(self._wire, context)
        try:
            with self._keeper.beside() as page:
                page.resize(width, height)
                yield page
        finally:
            self._keeper.forget()


_AIM = """(it) => {
  if (!it) return null;
  it.scrollIntoView({ block: "center", behavior: "instant" });
  const meant = [it, ...(it.labels ?? [])];
  const kinds = ["pointerdown", "mousedown", "pointerup", "mouseup", "click"];
  let hit = false;
  const guard = (event) => {
    if (!event.isTrusted) return;
    hit ||= event.type === "pointerdown" && meant.some((one) => one.contains(event.target));
    if (hit) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  kinds.forEach((kind) => window.addEventListener(kind, guard, true));
  window.__landed = () => {
    kinds.forEach((kind) => window.removeEventListener(kind, guard, true));
    delete window.__landed;
    return hit;
  };
  const box = it.getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
}"""
"""Where an element is; until `__landed` is asked, the mouse reaches it and nothing else."""

TALLEST = 6000
"""Pixels of a picture: what a page has below that is more of the same."""

_HEIGHT = """(() => {
  const dialogs = [...document.querySelectorAll("[role=dialog]")].filter((one) => one.checkVisibility());
  const hides = dialogs.map((one) => innerHeight + one.scrollHeight - one.clientHeight);
  return Math.max(document.documentElement.scrollHeight, ...hides);
})()"""
"""How high the window would have to be to show all, also of an open dialog."""

_LEFT = ("Inspected target navigated", "Execution context was destroyed", "Cannot find context")
"""What the browser says of a question whose document was left before it was answered."""


@dataclass(frozen=True)
class Sent:
    """A request.

    Attributes:
        page: the URL of the page that asked.
    """

    method: str
    url: str
    page: str


@dataclass(frozen=True)
class Said:
    """A part of a page as a screen reader knows it.

    Attributes:
        depth: how many such parts it is in.
        role: in Chromium's words, which are nearly those of ARIA: `button`, `heading`, `StaticText`.
        is_empty: nothing is in it.
    """

    depth: int
    role: str
    name: str
    description: str
    is_empty: bool


_SILENT = {"generic", "none", "InlineTextBox", "LayoutTable", "LayoutTableRow", "LayoutTableCell"}


class Page:
    """A page. What it complains of is kept: errors of scripts and of the console, and what its policy forbade.

    Attributes:
        session: its name on the wire.
        origins: where it was: `http://127.0.0.1:8080`.
    """

    def __init__(self, wire: "_Wire", session: str, context: str) -> None:
        self._wire = wire
        self.session = session
        self._context = context
        self.origins: set[str] = set()
        self._waits: set[str] = set()
        self._heard = 0  # of what it said, for `is_waiting`
        self._size = (0, 0)
        self._let_go = 0  # of what was held back
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            self._ask(f"{domain}.enable")

    def _ask(self, method: str, **values: Any) -> Any:
        return self._wire.ask(method, self.session, **values)

    @contextlib.contextmanager
    def beside(self) -> Iterator["Page"]:
        """Another tab of the same browser, with its cookies and its storage, closed at the end."""
        with _tab(self._wire, self._context) as page:
            try:
                yield page
            finally:
                self.origins |= page.origins

    def forget(self) -> None:
        """Have nothing left of where it and the tabs beside it were: cookies, storage, permissions."""
        for origin in self.origins:
            self._ask("Storage.clearDataForOrigin", origin=origin, storageTypes="all")
        self.origins.clear()
        self._wire.ask("Storage.clearCookies", browserContextId=self._context)
        self._wire.ask("Browser.resetPermissions", browserContextId=self._context)

    def to_front(self) -> None:
        """Be the tab that is seen: the others draw nothing, and their animations wait."""
        self._ask("Page.bringToFront")

    def allow_clipboard(self) -> None:
        """Let scripts read what was copied, as a person would see by pasting."""
        wanted = ["clipboardReadWrite", "clipboardSanitizedWrite"]
        self._wire.ask("Browser.grantPermissions", permissions=wanted, browserContextId=self._context)

    def open(self, url: str, *, seconds: float = 60) -> None:
        """Go to a URL and wait until it has loaded."""
        self.origins.add("/".join(url.split("/")[:3]))
        error = self._ask("Page.navigate", url=url).get("errorText")
        if error:
            raise Broken(f"{url}: {error}")
        self.wait("document.readyState === 'complete'", seconds=seconds)

    def take_cookies(self, url: str, cookies: Mapping[str, str]) -> None:
        """Have these cookies of a server, as if it had set them."""
        self._ask(
            "Network.setCookies", cookies=[{"name": name, "value": cookies[name], "url": url} for name in cookies]
        )

    def prepare(self, script: str) -> None:
        """Run a script in each document that is opened from now on, before its own."""
        self._ask("Page.addScriptToEvaluateOnNewDocument", source=script)

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self._ask("Input.insertText", text=text)

    def value(self, expression: str) -> Any:
        """What an expression is in the page; a promise is waited for."""
        answer = self._ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise Broken(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, expression: str, *, seconds: float = 30) -> None:
        """Wait until an expression is true, also in a document that comes meanwhile."""
        until = time.monotonic() + seconds
        pause = FIRST_PAUSE
        while not self._holds(expression):
            if time.monotonic() > until:
                raise Broken(f"not true after {seconds:g} s: {expression}; the page says {self.complaints()}")
            time.sleep(pause)
            pause = min(2 * pause, PAUSE)

    def _holds(self, expression: str) -> bool:
        try:
            return bool(self.value(f"(async () => Boolean(await ({expression})))()"))
        except Broken as exc:
            if any(said in str(exc) for said in _LEFT):
                return False
            raise

    def click(self, selector: str) -> None:
        """Press the first element that a selector finds; see `click_on`."""
        self.click_on(f"document.querySelector({json.dumps(selector)})", selector)

    def click_on(self, expression: str, name: str) -> None:
        """Scroll to the element that an expression is, once there is one, and press the mouse's button in its middle.

        A press that would meet something else, because the element moves, is drawn anew or lies under another one for a
        moment, reaches nothing and is tried again.
        """
        until = time.monotonic() + 30
        while time.monotonic() < until:
            found = self.value(f"({_AIM})({expression})")
            if found is not None:
                for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
                    self._ask(
                        "Input.dispatchMouseEvent", type=kind, x=found[0], y=found[1], button="left", clickCount=1
                    )
                if self._has_landed():
                    return
            time.sleep(0.05)
        raise Broken(f"a press does not reach {name}; the page says {self.complaints()}")

    def _has_landed(self) -> bool:
        try:
            return bool(self.value("window.__landed ? window.__landed() : true"))  # another document: it did
        except Broken as exc:
            if any(said in str(exc) for said in _LEFT):
                return True
            raise

    def rest(self) -> None:
        """Take the mouse away, so that it hovers over nothing."""
        self._ask("Input.dispatchMouseEvent", type="mouseMoved", x=0, y=0)

    def fill(self, selector: str, text: str) -> None:
        """Replace what stands in a field by typing."""
        self.value(
            f"(() => {{ const it = document.querySelector({json.dumps(selector)}); it.focus(); it.select(); }})()"
        )
        self.press("Backspace", code=8)
        self._ask("Input.insertText", text=text)

    def press(self, key: str, *, text: str = "", code: int = 0) -> None:
        """Press a key; `text` is what it types."""
        what = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
        self._ask("Input.dispatchKeyEvent", **what, **down)
        self._ask("Input.dispatchKeyEvent", **what, type="keyUp")

    def resize(self, width: int, height: int) -> None:
        """Another size of the window."""
        self._size = (width, height)
        self._take_size(width, height)

    def _take_size(self, width: int, height: int) -> None:
        self._ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def prefer(self, scheme: str, *, is_still: bool = False, contrast: str = "") -> None:
        """What the system likes: `light` or `dark`; that nothing moves; `more` contrast, or `forced` colours."""
        motion = "reduce" if is_still else "no-preference"
        wanted = {"prefers-color-scheme": scheme, "prefers-reduced-motion": motion}
        wanted |= {"more": {"prefers-contrast": "more"}, "forced": {"forced-colors": "active"}}.get(contrast, {})
        features = [{"name": name, "value": value} for name, value in wanted.items()]
        self._ask("Emulation.setEmulatedMedia", features=features)

    def see_as(self, deficiency: str) -> None:
        """What somebody sees with `deuteranopia` or `protanopia`; `none`: all colours."""
        self._ask("Emulation.setEmulatedVisionDeficiency", type=deficiency)

    def hold(self, pattern: str) -> None:
        """Let what is asked of such URLs wait, as on a line that is slow, until `let_go`. `*` stands for anything."""
        self._ask("Fetch.enable", patterns=[{"urlPattern": pattern}])

    def let_go(self) -> None:
        """What was held back goes on its way."""
        self._ask("Network.setBlockedURLs", urls=[])
        self._ask("Fetch.disable")

    def fail(self, pattern: str) -> None:
        """Let what is asked of such URLs fail until `let_go`, also what is held back, as when a line breaks."""
        self._ask("Network.setBlockedURLs", urls=[pattern])
        held = [said["requestId"] for name, said in self._events() if name == "Fetch.requestPaused"]
        for one in held[self._let_go :]:
            with contextlib.suppress(Broken):  # whoever asked has left
                self._ask("Fetch.failRequest", requestId=one, errorReason="ConnectionReset")
        self._let_go = len(held)

    def heard(self) -> list["Said"]:
        """What a screen reader has to tell of the page, in its order: the accessibility tree without what is silent."""
        nodes = self._ask("Accessibility.getFullAXTree")["nodes"]
        known = {one["nodeId"]: one for one in nodes}
        found: list[Said] = []
        left = [(nodes[0], 0)]
        while left:
            node, depth = left.pop()
            role = str(node.get("role", {}).get("value", ""))
            is_said = not node.get("ignored") and role not in _SILENT
            below = [known[one] for one in node.get("childIds", ()) if one in known]
            if is_said:
                name, description = (str(node.get(part, {}).get("value", "")) for part in ("name", "description"))
                is_empty = all(one.get("ignored") for one in below)
                found.append(Said(depth, role, name, description, is_empty))
            left += [(one, depth + int(is_said)) for one in reversed(below)]
        return found

    def photograph(self, file: Path, *, is_whole: bool = False) -> None:
        """Write a PNG of what is seen.

        Args:
            is_whole: also of what is below, up to `TALLEST`: the window is as high as the page for a moment, so what
                sticks to an edge of it covers nothing.
        """
        needs = self.value(_HEIGHT) if is_whole else 0
        is_taller = needs > self._size[1]
        if is_taller:
            self._take_size(self._size[0], min(needs, TALLEST))
        try:
            taken = self._ask("Page.captureScreenshot", format="png", optimizeForSpeed=True)
        finally:
            if is_taller:
                self._take_size(*self._size)
        file.write_bytes(base64.b64decode(taken["data"]))

    def sent(self) -> list["Sent"]:
        """All requests so far."""
        asked = [one for name, one in self._events() if name == "Network.requestWillBeSent"]
        return [Sent(one["request"]["method"], one["request"]["url"], one["documentURL"]) for one in asked]

    def is_waiting(self) -> bool:
        """Whether something that the document asked a server for has not come yet."""
        events = self._events()
        for name, said in events[self._heard :]:  # a long story has many
            if name == "Page.frameNavigated" and "parentId" not in said["frame"]:
                self._waits.clear()
            elif name == "Network.requestWillBeSent" and said["request"]["url"].startswith("http"):
                self._waits.add(said["requestId"])
            elif name in {"Network.loadingFinished", "Network.loadingFailed"}:
                self._waits.discard(said["requestId"])
        self._heard = len(events)
        return bool(self._waits)

    def requested(self) -> list[str]:
        """The URLs of all requests so far."""
        return [one.url for one in self.sent()]

    def complaints(self) -> list[str]:
        """What went wrong so far, in the browser's words."""
        found: list[str] = []
        for name, said in self._events():
            if name == "Runtime.exceptionThrown":
                found.append(str(said["exceptionDetails"].get("exception", said["exceptionDetails"])))
            elif name == "Runtime.consoleAPICalled" and said["type"] in {"error", "warning", "assert"}:
                found.append(" ".join(str(one.get("value", one.get("description"))) for one in said["args"]))
            elif name == "Log.entryAdded" and said["entry"]["level"] in {"error", "warning"}:
                found.append(f"{said['entry']['text']} {said['entry'].get('url', '')}".strip())
            elif name == "Audits.issueAdded" and said["issue"]["code"] == "ContentSecurityPolicyIssue":
                found.append(f"policy: {said['issue']['details']['contentSecurityPolicyIssueDetails']}")
        return found

    def _events(self) -> list[tuple[str, Any]]:
        self._ask("Runtime.evaluate", expression="1")  # what was said before its answer has arrived
        return self._wire.heard.get(self.session, [])


@contextlib.contextmanager
def _tab(wire: "_Wire", context: str) -> Iterator[Page]:
    page, target = _open_tab(wire, context)
    try:
        yield page
    finally:
        wire.ask("Target.closeTarget", targetId=target)
        wire.heard.pop(page.session, None)


def _open_tab(wire: "_Wire", context: str) -> tuple[Page, str]:
    target = wire.ask("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
    session = wire.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    return Page(wire, session, context), target


class _Wire:
    """The two ends of the pipe."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading = reading
        self._writing = writing
        self._number = 0
        self._rest = b""
        self.heard: dict[str, list[tuple[str, Any]]] = {}

    def ask(self, method: str, session: str | None = None, **values: Any) -> Any:
        """Run a command; events that come before its answer are kept by session.

        Raises:
            Broken: it failed, or nothing came for a while.
        """
        asked = self._send(method, session, values)
        while True:
            said = self._next()
            if said.get("id") == asked:
                if "error" in said:
                    raise Broken(f"{method}: {said['error']}")
                return said["result"]
            if said.get("method") == "Page.javascriptDialogOpening":  # "Leave site?" is answered
                self._send("Page.handleJavaScriptDialog", said.get("sessionId"), {"accept": True})
            elif "method" in said:
                self.heard.setdefault(said.get("sessionId", ""), []).append((said["method"], said["params"]))

    def _send(self, method: str, session: str | None, values: Mapping[str, Any]) -> int:
        """Say something; the number that its answer has."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": values}
        if session is not None:
            message["sessionId"] = session
        left = json.dumps(message).encode() + b"\0"
        while left:
            left = left[os.write(self._writing, left) :]
        return self._number

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._reading], [], [], 60)
            piece = os.read(self._reading, 1 << 20) if ready else b""
            if not piece:
                raise Broken("Chromium says nothing any more")
            self._rest += piece
        one, _, self._rest = self._rest.partition(b"\0")
        said: dict[str, Any] = json.loads(one)
        return said

    def close(self) -> None:
        """Let go of the pipe."""
        os.close(self._reading)
        os.close(self._writing)


PART = Chromium
