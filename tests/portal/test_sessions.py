"""A session that ends, and two tabs: nothing that was typed is lost, and nobody sees what is somebody else's."""

import contextlib
import hashlib
import json
import sqlite3
import time

import pytest

from tests.parts.base import Broken
from tests.portal.conftest import Reader
from tests.serving import Account, Moorage

pytestmark = pytest.mark.part("chromium", "portal")
SHARED = True

TYPED = "document.querySelector('[role=dialog] input')?.value"


@pytest.fixture(scope="module")
def bob(moorage: Moorage) -> Account:
    """Somebody else."""
    return moorage.create_user("boris")


@pytest.fixture
def typing(reader: Reader, moorage: Moorage) -> Reader:
    """The administrator, in the middle of a form."""
    reader.enter("/projects", "Projects", moorage.admin)
    reader.press("New project")
    reader.type("Name", "half-typed")
    return reader


def take_over(reader: Reader, account: Account) -> None:
    """Sign in as somebody else behind the page's back: no other tab says so."""
    form = json.dumps({"principal": account.username, "password": account.password})
    token = "document.cookie.match(/csrf=([^;]*)/)?.[1] ?? ''"
    asked = f"{{method: 'POST', headers: {{'X-Harbor-CSRF-Token': {token}}}, body: new URLSearchParams({form})}}"
    assert reader.page.value(f"fetch('/c/login', {asked}).then((one) => one.status)") == 200


def again(reader: Reader, account: Account) -> None:
    """Sign in again in the dialog over the page."""
    reader.type("Password", account.password)
    reader.press("Sign in", within="dialog")
    reader.page.wait("!document.querySelector('[data-above] [role=dialog]')")


def test_a_form_waits_for_its_person_to_be_back(typing: Reader, moorage: Moorage) -> None:
    typing.expected = ["401 (Unauthorized)"]
    typing.page.value("fetch('/c/log_out').then(() => 0)")
    typing.press("Create project")
    typing.see("Your session ended. Sign in again")
    typing.look("sign-in.over")
    typing.press("Close", within="dialog")
    typing.see("nothing is sent until you sign in")
    typing.page.wait("!document.querySelector('[data-above] [role=dialog]')")
    typing.page.wait("document.querySelector('[role=dialog] [role=alert]')")  # it moves the button
    assert typing.page.value(TYPED) == "half-typed"
    typing.press("Create project")
    typing.see("Your session ended. Sign in again")
    again(typing, moorage.admin)
    typing.see_title("half-typed")


def test_a_session_that_ends_soon_says_so_and_goes_on(typing: Reader, moorage: Moorage) -> None:
    _leave_alone(moorage, typing)
    typing.look("sign-in.ends")
    typing.type("Name", "ends-soon")  # whoever types is there
    typing.page.wait("!document.body.innerText.includes('if nothing is done here until then')")
    _leave_alone(moorage, typing)
    typing.page.value("document.querySelector('[aria-live] button').click()")  # the dialog lies over it
    typing.page.wait("!document.body.innerText.includes('if nothing is done here until then')")
    assert typing.page.value(TYPED) == "ends-soon"
    _move_session(moorage, typing, lives_seconds=200)
    _wake(typing)
    typing.see("You can sign in again then")
    _move_session(moorage, typing, lives_seconds=-1)
    _wake(typing)
    typing.see("Your session ended. Sign in again")  # nobody pressed anything
    again(typing, moorage.admin)
    typing.press("Create project")
    typing.see_title("ends-soon")


def _leave_alone(moorage: Moorage, reader: Reader) -> None:
    """Of the hour 200 s are left, and the page says so; what it asked before may have used the session meanwhile."""
    said = "document.body.innerText.includes('if nothing is done here until then')"
    for _ in range(10):
        _move_session(moorage, reader, used_seconds_ago=3400)
        _wake(reader)
        with contextlib.suppress(Broken):
            reader.page.wait(said, seconds=3)
            return
    raise Broken("the page does not say that its session ends")


def _wake(reader: Reader) -> None:
    """The machine slept for an hour, and its person is back."""
    reader.page.value("(() => { const now = Date.now; Date.now = () => now() + 3_600_000; })()")
    reader.page.value("document.dispatchEvent(new Event('visibilitychange')) && 0")


def _move_session(moorage: Moorage, reader: Reader, *, used_seconds_ago: int = 0, lives_seconds: int = 40_000) -> None:
    """Change the row of the page's session, as time would."""
    name = hashlib.sha256(reader.cookies["sid"].encode()).digest()
    with contextlib.closing(sqlite3.connect(moorage.data / "moorage.db", timeout=30)) as database, database:
        now = time.time_ns() // 1000
        values = {"seen": now - used_seconds_ago * 1_000_000, "end": now + lives_seconds * 1_000_000, "name": name}
        changed = database.execute("UPDATE session SET seen_at = :seen, expires_at = :end WHERE id = :name", values)
        assert changed.rowcount == 1


def test_what_another_tab_does_is_noticed(reader: Reader, moorage: Moorage, bob: Account) -> None:
    reader.enter("/projects", "Projects", moorage.admin)
    reader.press("New project")
    reader.type("Name", "half-typed-too")
    with reader.beside() as other:
        other.open("/projects", "Projects")
        other.press("admin")
        other.press("Sign out")
        other.see_title("Sign in")
        reader.page.to_front()
        reader.see("admin signed out in another tab")
        reader.see_gone("Projects")
        reader.see_gone("Create project")
        reader.photograph("sign-in.out")
        other.page.to_front()
        other.sign_in(bob)
        other.see_title("Projects")
        reader.page.to_front()
        reader.see("boris is signed in in another tab")
        reader.see_gone("Projects")
        assert reader.axe() == []
        reader.photograph("sign-in.other")
        again(reader, moorage.admin)
        assert reader.page.value(TYPED) == "half-typed-too"
        other.page.to_front()
        other.see("admin is signed in in another tab")
        other.press("Leave it, and continue as admin")
        other.page.wait("!document.querySelector('[data-above] [role=dialog]')")
        other.see_title("Projects")
        other.see("admin")


def test_nothing_is_sent_or_shown_as_somebody_else(typing: Reader, moorage: Moorage, bob: Account) -> None:
    typing.expected = ["403 (Forbidden)"]
    take_over(typing, bob)
    typing.type("Name", "sent-as-whom")
    typing.press("Create project")
    typing.see("boris is signed in in another tab, and this page is admin's.")
    assert moorage.run("project", "list").stdout.count("sent-as-whom") == 0
    again(typing, moorage.admin)
    typing.see_title("sent-as-whom")
    typing.settle()  # what the page asks for is answered before somebody else is there
    take_over(typing, bob)
    typing.press("Members")  # a page that only reads
    typing.see("boris is signed in in another tab")
    typing.see_gone("Add member")
    typing.press("Leave it, and continue as boris")
    typing.see_title("Not allowed")
