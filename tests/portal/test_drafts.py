"""What was typed is not lost: by a reload, by closing the window, by a wrong press, nor by the way back."""

import json

import pytest

from tests.clients import images
from tests.portal.conftest import Pusher, Reader
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal")
SHARED = True

ASKS = """(() => {
    const closing = new Event('beforeunload', { cancelable: true });
    window.dispatchEvent(closing);
    return closing.defaultPrevented;
})()"""
"""Whether the browser asks before the window is closed or loaded again."""


def typed(reader: Reader, label: str) -> str:
    """What stands in a field."""
    reader.page.wait(f"window.__field({json.dumps(label)})")
    return str(reader.page.value(f"window.__field({json.dumps(label)}).value"))


def test_a_form_is_there_after_a_reload_without_its_secret(reader: Reader, moorage: Moorage) -> None:
    moorage.create_project("drafts")
    reader.enter("/projects/drafts/webhooks", "drafts", moorage.admin)
    reader.press("New webhook")
    reader.page.wait(f"!{ASKS}")
    reader.type("Name", "to-the-chat")
    reader.type("Address", "https://chat.example.com/hook")
    reader.type("Authorization header (optional)", "Bearer s3cret")
    reader.page.wait(ASKS)
    stored = "JSON.stringify({ ...sessionStorage })"
    reader.page.wait(f"{stored}.includes('chat.example.com')")
    assert "s3cret" not in reader.page.value(stored)

    reader.open("/projects/drafts/members", "drafts")
    reader.to_tab("Webhooks")  # the form is opened by itself
    reader.see("What you typed before is still here, and not saved yet.")
    reader.look("webhooks.kept")
    reader.press("Cancel", within="dialog")
    reader.see("Discard what you typed?")
    reader.press("Keep editing")
    assert typed(reader, "Authorization header (optional)") == ""
    reader.page.value("history.back()")
    reader.see("Discard what you typed?")
    reader.press("Keep editing")
    assert reader.page.value("location.pathname") == "/projects/drafts/webhooks"
    assert typed(reader, "Name") == "to-the-chat"
    reader.press("Cancel", within="dialog")
    reader.press("Discard", within="alert")
    reader.page.wait("!document.querySelector('[role=dialog]')")
    reader.page.wait(f"!{ASKS}")
    reader.press("New webhook")
    assert typed(reader, "Name") == ""

    reader.press("Create webhook", within="dialog")
    reader.see("2 things need attention:")
    reader.page.wait("document.activeElement === window.__field('Name')")
    reader.press("Address", within="dialog")
    reader.page.wait("document.activeElement === window.__field('Address')")
    reader.type("Name", "to-the-chat")
    reader.see_gone("2 things need attention:")


@pytest.mark.part("skopeo")
def test_a_long_text_is_there_after_a_reload(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    moorage.create_project("longer")
    pusher.push(images.image("longer", size_bytes=9_000), "longer/app:1")
    reader.enter("/projects/longer/repositories/app/info", "app", moorage.admin)
    reader.press("Write description")
    reader.type("Description", "# What it is for\n\nIt took an hour to write this.")
    reader.page.wait("JSON.stringify({ ...sessionStorage }).includes('an hour')")
    reader.open("/projects/longer/repositories/app/info", "app")
    reader.see("What you typed before is still here, and not saved yet.")
    assert reader.page.value("document.querySelector('textarea').value").endswith("It took an hour to write this.")
    reader.look("repository.info.kept")
    reader.press("Save description")
    reader.see("Description saved")
    reader.open("/projects/longer/repositories/app/info", "app")
    reader.see("It took an hour to write this.")
    assert not reader.sees("What you typed before")
