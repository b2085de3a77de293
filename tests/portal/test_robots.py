"""Robots of a project: made, their secret shown once, changed, given another secret, deleted by their name."""

import pytest

from tests.clients import images
from tests.portal.conftest import Pusher, Reader
from tests.serving import Account, Moorage

pytestmark = pytest.mark.part("chromium", "portal", "skopeo")


def test_a_robot_is_made_and_what_it_was_given_works(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    moorage.create_project("works")
    reader.enter("/projects/works/robots", "works", moorage.admin)
    reader.see("No robot has access yet.")
    reader.press("New robot")
    reader.type("Name", "ci")
    reader.press("Each right by itself")
    reader.look("robots.new")
    reader.press("Push and pull")
    reader.press("Create robot")
    reader.see("It is not stored and can't be shown again.")
    reader.look("robots.secret")
    secret = reader.page.value("document.querySelector('[data-secret]').textContent")
    pusher.push(images.image("robot", size_bytes=9_000), "works/app:1", account=Account("robot$works+ci", secret))

    reader.page.press("Escape", code=27)
    reader.see("Discard what you typed?")
    reader.press("Discard")
    reader.see("Push and pull")
    reader.look("robots.list")
    reader.press("Actions for robot$works+ci")
    reader.press("New secret")
    reader.page.wait(f"document.querySelector('[data-secret]')?.textContent.length === {len(secret)}")
    assert reader.page.value("document.querySelector('[data-secret]').textContent") != secret
    reader.press("Copy secret")
    reader.see("Copied")
    reader.page.press("Escape", code=27)
    reader.page.wait("!document.querySelector('[role=dialog]')")
    reader.press("Actions for robot$works+ci")
    reader.press("Delete robot…")
    reader.see("It can't be undone.")
    reader.press("Delete robot", within="dialog")
    reader.see("Type exactly robot$works+ci.")
    reader.type("Type robot$works+ci to confirm", "robot$works+ci")
    reader.press("Delete robot", within="dialog")
    reader.see("No robot has access yet.")
