"""What is done with artifacts and repositories: named, marked, copied, described, compared, deleted, restored."""

from typing import Any

import httpx
import pytest

from tests.clients import images
from tests.portal.conftest import Pusher, Reader
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal", "skopeo")
SHARED = True

MARKUP = '<img src=x onerror="document.title=1">{{7+7}}${7+7}' + "W" * 40
"""Markup, marks of templates, and a word without an end."""
HOSTILE = MARKUP + "\u202egnol\u2066\u200b"
"""That, an override of the direction, and a space of no width, where the server takes them."""
EVE = "<b>eve</b> \u05e2\u05d1\u05e8\u05d9\u05ea"


def ask(moorage: Moorage, method: str, path: str, body: object = None) -> Any:
    """The answer of the API to an administrator."""
    account = (moorage.admin.username, moorage.admin.password)
    reply = httpx.request(method, f"{moorage.url}/api/v2.0{path}", auth=account, json=body, timeout=60)
    assert reply.is_success, reply.text
    return reply.json() if reply.content else None


def test_chosen_artifacts_say_what_deleting_them_would_free(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    moorage.create_project("weighed")
    for number in range(2):
        pusher.push(images.image(f"weighed-{number}", size_bytes=2 << 20), f"weighed/app:{number}")
    reader.enter("/projects/weighed/repositories/app/artifacts", "app", moorage.admin)
    digests = "[...document.querySelectorAll('tbody [role=cell] code')].map((one) => one.textContent)"
    reader.page.wait(f"{digests}.length === 2")
    for digest in reader.page.value(digests):
        reader.press(f"Select {digest}")
    path = "/projects/weighed/repositories/app"
    every = [one["digest"] for one in ask(moorage, "GET", f"{path}/artifacts")]
    own = ask(moorage, "POST", f"{path}/storage", {"references": every})["together"]["own"]
    reader.see(f"Deleting them would free {own / (1 << 20):.3g}\u00a0MiB.")
    reader.look("artifacts.chosen")
    reader.press("Copy to…")
    reader.see("Copy 2 artifacts to another repository")
    reader.open("/projects/weighed/repositories/app/artifacts", "app")
    reader.page.wait("document.querySelectorAll('tbody tr').length === 2")
    reader.press("Select all on this page")
    reader.press("Compare")
    reader.page.wait("location.pathname.endsWith('/compare')")
    reader.see("added")
    assert all(reader.sees(digest) for digest in (every[0][:15], every[1][:15]))


def test_chosen_artifacts_go_together_and_what_stays_says_why(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    moorage.create_project("cleared")
    for number in range(3):
        pusher.push(images.image(f"cleared-{number}", size_bytes=9_000), f"cleared/app:{number}")
    path = "/projects/cleared/repositories/app"
    rule = {
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "2"}],
        "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]},
    }
    reader.enter(f"{path}/artifacts", "app", moorage.admin)
    reader.page.wait("document.querySelectorAll('tbody tr').length === 3")
    reader.press("Select all on this page")
    reader.press("Delete 3 artifacts…")
    reader.see("3 tags go.")
    reader.see("come free once the trash is purged.")
    reader.look("artifacts.delete")
    # A rule that is made while the dialog is open: the server decides, and says of which.
    ask(moorage, "POST", "/projects/cleared/immutabletagrules", rule)
    reader.expected = ["412 (Precondition Failed)"]
    reader.press("Delete 3 artifacts", within="dialog")
    reader.see("1 could not be removed:")
    reader.see("Tag 2 can't be moved or deleted: the rule")
    reader.see("2 artifacts deleted")
    reader.look("artifacts.delete.left")
    made = ask(moorage, "GET", "/projects/cleared/immutabletagrules")[0]["id"]
    ask(moorage, "DELETE", f"/projects/cleared/immutabletagrules/{made}")
    reader.press("Try again", within="dialog")
    reader.see("Nothing is stored here.")
    reader.press("Undo")  # of the first or of the second attempt: each brings back what it took
    reader.page.wait("document.querySelectorAll('tbody tr').length > 0")
    reader.press("Undo")
    reader.page.wait("document.querySelectorAll('tbody tr').length === 3")


def test_an_artifact_gets_a_tag_and_a_label_and_is_copied(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    for name in ("shop", "stock"):
        moorage.create_project(name)
    one, two = (images.image(f"shop-{number}", size_bytes=9_000) for number in range(2))
    pusher.push(one, "shop/app:1.0.0")
    pusher.push(two, "shop/app:2.0.0")
    project = ask(moorage, "GET", "/projects/shop")["project_id"]
    ask(moorage, "POST", "/labels", {"name": "checked", "scope": "p", "project_id": project, "color": "#48960C"})
    reader.enter("/projects/shop/repositories/app/tags/1.0.0", "1.0.0", moorage.admin)
    reader.press("Add tag")
    reader.type("Tag", "not a tag")
    reader.press("Add tag", within="dialog")
    reader.type("Tag", "2.0.0")
    reader.expected = ["409 (Conflict)"]
    reader.press("Add tag", within="dialog")
    reader.see("Tag 2.0.0 points to another artifact.")
    reader.photograph("artifact.add-tag")
    reader.type("Tag", "stable")
    reader.press("Add tag", within="dialog")
    reader.see("Tag stable added")
    reader.type("Add label", "check")
    reader.press("checked", role="option")
    reader.page.wait("document.querySelector('[aria-label=\"Remove label checked\"]')")
    reader.photograph("artifact.labelled")
    reader.press("Copy to…")
    reader.see("No byte is moved")
    reader.type("Project", "stoc")
    reader.press("stock", role="option")
    reader.type("Repository", "app/copied")
    reader.photograph("artifact.copy")
    reader.press("Copy", within="dialog")
    reader.see("Copied to stock/app/copied")
    reader.press("Show")
    reader.see_title("app/copied")
    reader.see("stable")
    reader.open("/projects/shop/repositories/app", "app")
    reader.type("Filter by label", "check")
    reader.press("checked", role="option")
    reader.page.wait("document.querySelectorAll('tbody tr').length === 2")
    reader.see_gone("2.0.0")
    reader.press("stable")
    reader.see_title("stable")
    reader.press("Remove label checked")
    reader.page.wait("!document.querySelector('[aria-label=\"Remove label checked\"]')")


def test_repositories_and_artifacts_go_and_come_back(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    moorage.create_project("going")
    pusher.push(images.image("going", size_bytes=9_000), "going/app:1.0.0", "going/app:latest", "going/other:1.0.0")
    reader.enter("/projects/going/repositories/app/tags/1.0.0", "1.0.0", moorage.admin)
    width = "document.querySelector('main').getBoundingClientRect().width"
    reader.page.resize(1280, 400)
    reader.settle()
    before = reader.page.value(width)
    reader.press("More")
    reader.press("Delete artifact…")
    reader.see("2 tags go with it:")
    assert reader.page.value(width) == before  # nothing moves
    reader.see("It can be restored from the trash until")
    reader.photograph("artifact.delete")
    reader.page.resize(1280, 800)
    reader.press("Delete artifact", within="dialog")
    reader.see_title("app")
    reader.see("No tag is left here.")
    reader.press("Undo")
    reader.page.wait("document.querySelectorAll('tbody tr').length === 2")
    reader.press("Actions for app")
    reader.press("Delete repository…")
    reader.see("2 tags go.")
    reader.look("repository.delete")
    reader.press("Delete 1 repository", within="dialog")
    reader.see_title("going")
    reader.see("1 repository deleted")
    reader.page.wait("document.querySelectorAll('tbody tr').length === 1")
    reader.press("Undo")
    reader.page.wait("document.querySelectorAll('tbody tr').length === 2")


def test_a_description_is_written_where_it_is_read(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    moorage.create_project("described")
    pusher.push(images.image("described", size_bytes=9_000), "described/app:1.0.0")
    reader.enter("/projects/described/repositories/app/info", "app", moorage.admin)
    reader.press("Write description")
    reader.type(
        "Description", f"# The shop\n\nSee [docs](https://docs.example.com/) or [x](javascript:1).\n\n{HOSTILE}"
    )
    reader.press("Tags")  # what was typed is not lost by a wrong press
    reader.see("Discard what you typed?")
    reader.keep("unsaved.asked")
    reader.press("Keep editing")
    reader.press("Preview")
    reader.see("The shop")
    reader.press("Save description")
    reader.see("Description saved")
    reader.see('<img src=x onerror="document.title=1">')
    links = "[...document.querySelectorAll('article a')].map((one) => one.href).join()"
    assert reader.page.value(links) == "https://docs.example.com/"
    reader.photograph("repository.info")


def test_two_tags_are_compared(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    moorage.create_project("both")
    first = images.image("both-1", size_bytes=9_000)
    pusher.push(first, "both/app:1.0.0")
    pusher.push(images.image("both-2", base=first), "both/app:1.1.0")
    reader.enter("/projects/both/repositories/app", "app", moorage.admin)
    reader.press("Select 1.1.0")
    reader.press("Select 1.0.0")
    reader.see("2 selected")
    reader.key("d")
    reader.see("1 layer is the same")
    reader.see("label org.opencontainers.image.title")
    assert reader.page.value("location.search") == "?from=1.0.0&to=1.1.0"
    reader.keep("compare.two")
    reader.press("Swap")
    reader.page.wait("location.search === '?from=1.1.0&to=1.0.0'")
    reader.see("both-1")


def test_a_chart_shows_what_is_in_it_and_only_its_commands(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    moorage.create_project("charts")
    chart = "name: quay\nversion: 0.1.0\napiVersion: v2\ndependencies:\n- name: rope\n  version: 1.2.3\n  repository: oci://example.com\n"
    files = {"Chart.yaml": chart, "values.yaml": "replicas: 3\n", "README.md": "# How to moor\n\nUse a **bowline**."}
    pusher.push(images.chart("quay", files), "charts/quay:0.1.0")
    reader.enter("/projects/charts/repositories/quay/tags/0.1.0", "0.1.0", moorage.admin)
    reader.press("helm")
    reader.see(f"helm pull --plain-http oci://{moorage.host}/charts/quay --version 0.1.0")
    assert not reader.sees("docker")
    reader.press("Values")
    reader.see("replicas: 3")
    reader.press("Dependencies")
    reader.see("oci://example.com")
    reader.press("Readme")
    reader.see("How to moor")
    reader.keep("artifact.chart")


def test_an_answer_says_why_somebody_may(reader: Reader, moorage: Moorage) -> None:
    moorage.create_project("asked")
    dunja = moorage.create_user("dunja")
    moorage.add_member("asked", dunja, "guest")
    reader.enter("/projects/asked/members", "asked", moorage.admin)
    reader.press("Explain access")
    reader.type("Name", "dunja")
    reader.press("Explain")
    reader.see("Role of dunja here: Guest.")
    reader.see("Allowed")
    reader.open("/projects/asked/access?kind=user&name=dunja&action=push", "asked")
    reader.see("Not allowed")
    assert reader.axe() == []
    reader.keep("access.explained")
    reader.speak("de-DE")
    reader.open("/projects/asked/access?kind=user&name=dunja&action=push", "asked")
    reader.see("Nichts gibt das Recht zu push.")
    reader.see("Rolle von dunja hier: Gast.")
    reader.photograph("access.explained", language="de-DE")


def test_a_guest_is_offered_nothing_that_changes(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    moorage.create_project("looked")
    pusher.push(images.image("looked", size_bytes=9_000), "looked/app:1.0.0")
    gina = moorage.create_user("gina")
    moorage.add_member("looked", gina, "guest")
    ask(moorage, "PUT", "/projects/looked/repositories/app", {"description": "What it is"})
    reader.enter("/projects/looked/repositories/app/tags/1.0.0", "1.0.0", gina)
    reader.see("Copy to…")  # into a project where she may push
    for name in ("Add tag", "More", "Labels"):
        assert not reader.sees(name), name
    reader.press("app")
    reader.see_title("app")
    reader.see("What it is")  # comes after the page, and moves the tabs down
    reader.press("Info")
    reader.page.wait("document.querySelector('article')?.innerText === 'What it is'")
    assert not reader.sees("Edit description")
    assert not reader.page.value("document.querySelector('[aria-label=\"Actions for app\"]')")


def test_names_that_would_do_harm_are_text_everywhere(reader: Reader, moorage: Moorage, pusher: Pusher) -> None:
    moorage.create_project("harm")
    image = images.image("harm", size_bytes=9_000)
    pusher.push(image, "harm/app:" + "_" + "w" * 127, "harm/app:v-_.", "harm/" + "r" * 120 + ":1")
    project = ask(moorage, "GET", "/projects/harm")["project_id"]
    ask(moorage, "POST", "/labels", {"name": MARKUP, "description": HOSTILE, "scope": "p", "project_id": project})
    label = ask(moorage, "GET", f"/labels?scope=p&project_id={project}")[0]["id"]
    ask(moorage, "POST", "/projects/harm/repositories/app/artifacts/v-_./labels", {"id": label})
    ask(moorage, "PUT", "/projects/harm/repositories/app", {"description": HOSTILE})
    person = {"username": EVE, "email": "eve@example.com", "realname": "Eve", "password": "Harbour-12345"}
    ask(moorage, "POST", "/users", person)
    ask(moorage, "POST", "/projects/harm/members", {"role_id": 2, "member_user": {"username": EVE}})
    reader.enter("/projects/harm/repositories/app", "app", moorage.admin)
    for path, said in {
        "repositories/app": "w" * 20, "repositories/app/artifacts": "w" * 20, "repositories/app/tags/v-_.": "{{7+7}}",
        "repositories/app/info": "{{7+7}}", "labels": "{{7+7}}", "members": "<b>eve</b>", "repositories": "r" * 60,
    }.items():  # fmt: skip
        reader.open(f"/projects/harm/{path}")
        reader.see(said)
        reader.settle()
        assert reader.page.value("document.querySelectorAll('main img, main b, main script').length") == 0, path
        assert reader.page.value("document.documentElement.scrollWidth <= innerWidth"), path
        reader.page.wait("document.title.endsWith('Moorage')")
        if "/" not in path:
            reader.keep(f"{path}.hostile")
    reader.open("/projects/harm/repositories/app/tags/v-_.", "v-_.")
    reader.see("{{7+7}}")
    reader.look("artifact.hostile")
