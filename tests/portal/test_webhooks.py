"""A webhook from the form to what the other system was told, and telling it again."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from tests.clients import images
from tests.parts.base import wait_until
from tests.portal.conftest import Pusher, Reader
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal", "skopeo")
SHARED = True


class Hook(BaseHTTPRequestHandler):
    """Is content with what it is told."""

    heard: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        """Note the event's id and say thanks."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.append(self.headers["webhook-id"])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"thanks for it")

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def hook() -> Iterator[str]:
    """The address of a system that wants to be told."""
    Hook.heard.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hook"
        server.shutdown()


def test_a_webhook_is_made_tells_is_read_and_tells_again(
    reader: Reader, moorage: Moorage, pusher: Pusher, hook: str
) -> None:
    moorage.create_project("told")
    reader.enter("/projects/told/webhooks", "told", moorage.admin)
    reader.see("There is no webhook yet.")
    reader.press("New webhook")
    reader.type("Name", "ci")
    reader.type("Address", "ftp://wrong")
    reader.press("Create webhook")
    reader.see("begins with https://")
    reader.look("webhooks.new")
    reader.type("Address", hook)
    reader.press("Create webhook")
    reader.see(hook)
    reader.press("Actions for ci")
    reader.press("Sign what it sends")
    reader.press("Make key")
    reader.page.wait("document.querySelector('[data-secret]')?.textContent.startsWith('whsec_')")
    reader.press("Copy secret")
    reader.see("Copied")
    reader.press("Close")
    reader.see("Signed")

    pusher.push(images.image("told", size_bytes=9_000), "told/app:v1")
    reader.press("ci")
    reader.see("Attempts")
    reader.see("Done", seconds=30)
    reader.press("Details of Pushed")
    reader.see("thanks for it")
    reader.look("webhooks.deliveries")
    reader.press("Send again")
    done = "[...document.querySelectorAll('td[data-label=State]')].filter((one) => one.textContent.includes('Done'))"
    reader.page.wait(f"{done}.length === 2", seconds=30)
    wait_until(lambda: len(Hook.heard) == 2, what="the second telling")
    assert len(set(Hook.heard)) == 1
    reader.press("Webhooks")
    reader.press("Actions for ci")
    reader.press("Edit webhook")
    reader.type("Name", "builds")
    reader.press("Save webhook")
    reader.see("builds")
    reader.page.wait("!document.querySelector('[role=dialog]')")
    reader.press("Actions for builds")
    reader.press("Delete webhook")
    reader.type("Type builds to confirm", "builds")
    reader.press("Delete webhook", within="dialog")
    reader.see("There is no webhook yet.")
