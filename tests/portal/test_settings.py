"""The server's settings: all of them, tried before they are saved, kept until they are."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests import serving
from tests.parts.base import free_port
from tests.portal.conftest import Reader
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal")

ITEMS = (Path(__file__).parents[2] / "portal" / "src" / "configuration" / "items.ts").read_text()
SECTIONS = ("", "/sign-in", "/ldap", "/oidc", "/header", "/projects", "/audit")
VALUE = "document.querySelector('[data-item={name}] :is(input, textarea)').value"


@pytest.fixture(scope="module")
def moorage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moorage]:
    """A server whose environment fixes two settings."""
    fixed = {"config_overwrite": '{"session_absolute_hours": 9, "ldap_timeout": 1}'}
    with serving.serve(tmp_path_factory.mktemp("settings") / "data", settings=fixed) as started:
        yield started


def known(moorage: Moorage) -> dict[str, dict[str, object]]:
    """The settings, as the API has them."""
    url = moorage.url + "/api/v2.0/configurations"
    answer = httpx.get(url, auth=(moorage.admin.username, moorage.admin.password), timeout=60)
    found: dict[str, dict[str, object]] = answer.json()
    return found


def test_every_setting_stands_on_a_page_and_looks_well(reader: Reader, moorage: Moorage) -> None:
    shown: set[str] = set()
    reader.enter("/admin/settings", "Settings", moorage.admin)
    for section in SECTIONS:
        if section:
            reader.page.click(f"a[href='/admin/settings{section}']")
        reader.page.wait(f"Boolean(document.querySelector('[data-section={section[1:] or 'general'}] [data-item]'))")
        shown |= set(reader.page.value("[...document.querySelectorAll('[data-item]')].map((one) => one.dataset.item)"))
        assert reader.axe() == [], section
        reader.keep(f"settings.{section[1:] or 'general'}")

    unused = set(re.findall(r'"(\w+)"', ITEMS.partition("UNUSED = [")[2].partition("]")[0]))
    assert shown >= known(moorage).keys() - unused
    assert not shown & unused


def test_what_is_changed_is_kept_guarded_and_saved(reader: Reader, moorage: Moorage) -> None:
    reader.enter("/admin/settings/sign-in", "Settings", moorage.admin)
    reader.see("Fixed by MOORAGE_CONFIG_OVERWRITE")
    reader.type("Minutes without a request", "0")
    reader.press("Save settings")
    reader.see("Use a whole number from 1 to")
    reader.type("Minutes without a request", "45")
    reader.see("1 unsaved change")
    reader.press("Users")
    reader.see("What you changed here is not saved.")
    reader.press("Keep editing")
    reader.page.wait("!document.querySelector('[role=dialog]')")
    reader.open("/admin/settings/sign-in", "Settings")
    reader.see("What you changed before is still here")
    assert reader.page.value(VALUE.format(name="session_timeout")) == "45"
    reader.press("Add Directory (LDAP)")
    reader.press("Save settings")
    reader.see("Saved, but the directory does not work with these settings")
    assert known(moorage)["session_timeout"]["value"] == 45
    assert known(moorage)["auth_sources"]["value"] == ["local", "ldap"]
    reader.look("settings.saved.elsewhere")
    reader.press("Open “Directory (LDAP)” and test it")
    reader.page.wait("Boolean(document.querySelector('[data-section=ldap]'))")
    reader.type("Address", f"ldap://127.0.0.1:{free_port()}")
    reader.press("Save settings")
    reader.see("The test above says what fails.")
    reader.see("The test failed")
    reader.see("Address found")
    reader.look("settings.saved.warned")
    reader.expected.append("400 (Bad Request)")
    reader.type("Filter for people", "(objectClass=")
    reader.press("Save settings")
    reader.see("Write a filter as RFC 4515 has it")
    reader.look("settings.refused")


def test_a_service_is_tried_before_it_is_saved(reader: Reader, moorage: Moorage) -> None:
    free = free_port()
    reader.expected.append("400 (Bad Request)")
    reader.enter("/admin/settings/ldap", "Settings", moorage.admin)
    reader.type("Address", f"ldap://127.0.0.1:{free}")
    reader.press("Test directory")
    reader.see("The test failed")
    reader.see("Connected")
    reader.look("settings.tested")
    reader.press("Reset")
    reader.open("/admin/settings/oidc", "Settings")
    reader.type("Issuer URL", f"http://127.0.0.1:{free}")
    reader.press("Test provider")
    reader.see("nothing listens on this port")
    reader.press("Reset")
    reader.open("/admin/settings/audit", "Settings")
    with socket.create_server(("127.0.0.1", 0)) as receiver:
        reader.type("Syslog receiver", f"127.0.0.1:{receiver.getsockname()[1]}")
        reader.press("Test receiver")
        reader.see("It works (")
    reader.type("Syslog receiver", "nowhere")
    reader.press("Test receiver")
    reader.see("Write a host and a port, for example logs.example.com:6514.")
    assert known(moorage)["audit_log_forward_endpoint"]["value"] == ""
