"""Robots of a project: made, their secret shown once, changed, given another secret, deleted by their name."""

import subprocess

import pytest

from tests.clients import images
from tests.portal.conftest import Pusher, Reader
from tests.serving import Account, Moorage

pytestmark = pytest.mark.part("chromium", "portal", "skopeo")
SHARED = True


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
    reader.press("Actions for robot$works+ci")
    reader.press("New secret…")
    reader.look("robots.rotate")
    reader.press("Make secret")
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


def test_a_robot_of_the_system_reaches_the_projects_that_it_was_given(
    reader: Reader, moorage: Moorage, pusher: Pusher
) -> None:
    for name in ("north", "south", "closed"):
        moorage.create_project(name)
    reader.enter("/admin/robots", "Robots", moorage.admin)
    reader.press("New robot")
    reader.type("Name", "fleet")
    reader.press("These projects")
    reader.press("Create robot")
    reader.see("Choose projects, or all of them.")
    reader.type("Projects", "north")
    reader.press("north", role="option")
    reader.page.type("south")  # what was typed before is gone with the choice
    reader.press("south", role="option")
    reader.page.press("Tab", code=9)
    reader.page.wait("![...document.querySelectorAll('[role=option]')].some((one) => one.checkVisibility())")
    reader.press("Push and pull")
    reader.look("robots.system.new")
    reader.press("Create robot")
    reader.see("It is not stored and can't be shown again.")
    secret = reader.page.value("document.querySelector('[data-secret]').textContent")
    robot = Account("robot$fleet", secret)
    pusher.push(images.image("fleet", size_bytes=9_000), "north/app:1", "south/app:1", account=robot)
    with pytest.raises(subprocess.CalledProcessError):
        pusher.push(images.image("fleet", size_bytes=9_000), "closed/app:1", account=robot)

    reader.press("Copy secret")
    reader.see("Copied")
    reader.page.press("Escape", code=27)
    reader.page.wait("!document.querySelector('[role=dialog]')")
    reader.press("Details of robot$fleet")
    reader.see("north, south")
    reader.look("robots.system")
    reader.press("Actions for robot$fleet")
    reader.press("Disable robot")
    reader.see("Disabled")
    reader.press("Actions for robot$fleet")
    reader.press("Edit robot")
    reader.press("All projects", within="dialog")
    reader.press("Save robot")
    reader.page.wait("!document.querySelector('[role=dialog]')")
    reader.see("All projects")
