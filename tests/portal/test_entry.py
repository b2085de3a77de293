"""Ways in: an account of one's own, a provider, the first start; and what is said to whoever stays outside."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from moorage.settings import FIRST_PASSWORD
from tests import serving
from tests.api.test_oidc import PEOPLE, settings_for
from tests.clients import images
from tests.parts import Parts
from tests.parts.base import free_port
from tests.parts.oidc import Oidc
from tests.portal.conftest import Pusher, Reader
from tests.serving import Account, Moorage

pytestmark = pytest.mark.part("chromium", "portal", "skopeo", "oidc")

NAME = "registry.test"
"""What the provider calls the server: it leads back there, and to nowhere else."""

SETTINGS = {"allowed_hosts": [NAME, "127.0.0.1"]}


@pytest.fixture(scope="module")
def moorage(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moorage]:
    """A server of which nobody has seen anything yet, that lets strangers and the provider's people in."""
    provider = parts.get("oidc", Oidc)
    provider.change(people=PEOPLE, rotate=True)
    with serving.serve(
        tmp_path_factory.mktemp("entry") / "data", settings={"allowed_hosts": [NAME, "127.0.0.1"]}
    ) as started:
        yield started


def configure(moorage: Moorage, **changes: object) -> None:
    """Change live settings."""
    auth = (moorage.admin.username, moorage.admin.password)
    answer = httpx.put(f"{moorage.url}/api/v2.0/configurations", json=changes, auth=auth, trust_env=False, timeout=60)
    assert answer.status_code == 200, answer.text


def through_the_provider(reader: Reader, moorage: Moorage, provider: Oidc, person: str, next_path: str) -> None:
    """Press the provider's button, sign in there, and be led back: its own pages are walked without the browser."""
    reader.page.wait("document.querySelector('a[href^=\"/c/oidc/login\"]')")
    link = str(reader.page.value("document.querySelector('a[href^=\"/c/oidc/login\"]').getAttribute('href')"))
    assert link.endswith(f"redirect_url={next_path.replace('/', '%2F')}")
    begun = httpx.get(moorage.url + link, headers={"host": NAME}, trust_env=False, timeout=60)
    assert begun.status_code == 302, begun.text
    reader.page.take_cookies(moorage.url, {"oidc": begun.cookies["oidc"]})
    back = urlsplit(provider.sign_in(begun.headers["location"], person))
    reader.open(f"{back.path}?{back.query}")


def test_the_first_start_leads_to_the_first_push(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    made = moorage.data / FIRST_PASSWORD
    made.write_text(moorage.admin.password)  # as a start leaves it that was given none
    reader.open("/", "Sign in")
    reader.sign_in(moorage.admin)
    reader.see_title("First steps")
    reader.see("admin still has the password that was made at the first start")
    reader.type("Current password", moorage.admin.password)
    reader.type("New password", "short")
    reader.press("Change password")
    reader.page.wait("document.querySelectorAll('form .field-error').length === 1")
    reader.look("first-run.password")
    reader.type("New password", "0f-my-Own-choice")
    reader.press("Change password")
    reader.see("Password changed")
    moorage.admin = Account(moorage.admin.username, "0f-my-Own-choice")
    reader.page.wait("document.querySelectorAll('input[autocomplete=new-password]').length === 0")
    assert not made.exists()
    reader.see("Waiting for your first push…")
    reader.type("Name", "beginning")
    reader.press("Create project")
    reader.see(f"docker push {moorage.host}/beginning/REPOSITORY:TAG")
    reader.look("first-run.waits")
    pusher.push(images.image("beginning", size_bytes=9_000), "beginning/app:1.0.0")
    reader.see("Received: beginning/app", seconds=30)  # by itself
    reader.keep("first-run.received")
    reader.press("Done, go to projects")
    reader.see_title("Projects")
    reader.open("/", "Projects")  # not again


def test_strangers_make_an_account_where_they_may(reader: Reader, moorage: Moorage) -> None:
    configure(moorage, self_registration=False)
    reader.open("/sign-up", "Create an account")
    reader.see("does not let people make accounts")
    configure(moorage, self_registration=True)
    reader.open("/sign-in?next=/me/profile", "Sign in")
    reader.press("Create an account")
    reader.see_title("Create an account")
    reader.type("User name", "admin")
    reader.see("The name admin is taken.")
    reader.type("User name", "newcomer")
    reader.type("Full name", "New Comer")
    reader.type("Email", "newcomer@example.com")
    reader.type("Password", "short")
    reader.page.click("form [type=submit]")
    reader.page.wait("document.activeElement?.name === 'password'")
    reader.look("sign-up.wrong")
    reader.type("Password", "L0ng-enough-now")
    reader.page.click("form [type=submit]")
    reader.see_title("Profile")
    reader.see("newcomer")


def test_people_of_a_provider_choose_a_name_and_come_back_where_they_were(
    reader: Reader, moorage: Moorage, parts: Parts
) -> None:
    provider = parts.get("oidc", Oidc)
    configure(moorage, **{**settings_for(provider), "oidc_auto_onboard": False, "oidc_name": "Example SSO"})
    reader.open("/me/preferences", "Preferences")
    reader.open("/me/profile", "Sign in")
    reader.see("Continue with Example SSO")
    reader.look("sign-in.provider")
    through_the_provider(reader, moorage, provider, "alice-1", "/me/profile")
    reader.see_title("Choose your user name")
    reader.look("onboard.form")
    reader.expected = ["409 (Conflict)"]
    reader.type("User name", "admin")
    reader.page.click("form [type=submit]")
    reader.see("The name admin is taken.")
    reader.type("User name", "ally")
    reader.page.click("form [type=submit]")
    reader.see_title("Profile")
    reader.see("Single sign-on")
    reader.press("Make a new CLI secret")
    reader.see("Copy this secret now.")
    reader.look("profile.secret")
    reader.press("Copy secret")
    reader.see("Copied")
    reader.press("Close", within="dialog")
    reader.page.wait("!document.querySelector('[role=dialog]')")

    reader.expected += ["401 (Unauthorized)"]
    with reader.beside() as window:
        window.expected = ["Scripts may close only"]  # the test opened it, and no script
        reader.page.take_cookies(moorage.url, {"sid": "A" * 43})  # of a session that is over
        reader.page.to_front()
        reader.press("Make a new CLI secret")
        reader.see("Your session ended.")
        window.page.to_front()
        link = "/c/oidc/login?redirect_url=%2Fsigned-in"
        begun = httpx.get(moorage.url + link, headers={"host": NAME}, trust_env=False, timeout=60)
        window.page.take_cookies(moorage.url, {"oidc": begun.cookies["oidc"]})
        back = urlsplit(provider.sign_in(begun.headers["location"], "alice-1"))
        window.open(f"{back.path}?{back.query}", "You are signed in")
        reader.page.to_front()
        reader.see("Copy this secret now.")  # what was asked was asked again


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("ACCOUNT_DISABLED", "This account is locked."),
        ("OIDC_UNAVAILABLE", "The provider can't be reached."),
        ("OIDC_STATE_INVALID", "took too long"),
    ],
)
def test_what_a_provider_did_not_do_is_said(reader: Reader, error: str, said: str) -> None:
    reader.open(f"/sign-in?error={error}&next=/projects", "Sign in")
    reader.see(said)


def test_a_directory_that_is_away_is_said(reader: Reader, moorage: Moorage) -> None:
    away = f"ldap://127.0.0.1:{free_port()}"
    configure(moorage, auth_sources=["local", "ldap"], ldap_url=away, ldap_base_dn="dc=example,dc=org")
    reader.expected = ["503 (Service Unavailable)", "401 (Unauthorized)", "429 (Too Many Requests)"]
    reader.open("/sign-in", "Sign in")
    reader.see("name and password of your directory")
    reader.type("User name", "somebody")
    reader.type("Password", "something")
    reader.page.click("form [type=submit]")
    reader.see("The directory (127.0.0.1) can't be reached. Your password was not checked.")
    reader.look("sign-in.away")
    configure(moorage, auth_sources=["local"])


def test_a_name_that_is_locked_is_said_to_be_so_until_when(reader: Reader, moorage: Moorage) -> None:
    form = {"principal": "guessed", "password": "Wr0ng-guess"}
    for _ in range(5):
        assert httpx.post(f"{moorage.url}/c/login", data=form, trust_env=False, timeout=60).status_code == 401
    reader.expected = ["401 (Unauthorized)", "429 (Too Many Requests)"]
    reader.open("/sign-in", "Sign in")
    reader.speak("zh-CN")
    reader.open("/sign-in", "登录")
    reader.page.wait("document.querySelector('[name=username]')")
    reader.page.fill("[name=username]", "guessed")
    for _ in range(9):  # each wrong try doubles the wait: sooner or later it is longer than a slow machine needs
        reader.page.fill("[name=password]", "Wr0ng-guess")
        reader.page.click("form [type=submit]")
        reader.page.wait("document.querySelector('form [role=alert]')")
        reader.page.wait("!document.querySelector('form [type=submit][data-loading]')")
        if reader.sees("错误密码次数过多"):
            break
    said = str(reader.page.value("document.querySelector('form [role=alert] p').textContent"))
    assert re.search(r"已锁定至 \d\d:\d\d:\d\d.之后可重试。", said), said
    reader.photograph("sign-in.locked", language="zh-CN")
