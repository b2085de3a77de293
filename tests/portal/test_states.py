"""Pages in states of which no other story tells: pictures are kept (pictures.txt), and what they say is seen."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clients import images
from tests.parts import Parts
from tests.parts.skopeo import Skopeo
from tests.portal.conftest import AT_ONCE, Pusher, Reader
from tests.portal.furnished import attach
from tests.serving import Moorage

pytestmark = pytest.mark.part("chromium", "portal", "skopeo")

PATH = "/projects/port/repositories/quay~app"
MANY = 127
"""Layers, as many as Docker allows."""


def ask(moorage: Moorage, method: str, path: str, body: object = None) -> Any:
    """The answer of the API to an administrator."""
    account = (moorage.admin.username, moorage.admin.password)
    reply = httpx.request(method, f"{moorage.url}/api/v2.0{path}", auth=account, json=body, timeout=60)
    assert reply.is_success, (method, path, reply.text)
    return reply.json() if reply.content else None


def go(reader: Reader, path: str, said: str = "") -> None:
    """Follow a link inside of the page, and wait until it stands there."""
    reader.page.value(f"history.pushState(null, '', {json.dumps(path)})")
    reader.page.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))")
    reader.page.wait("!document.querySelector('main[aria-busy=true], main [class*=Skeleton]')")
    if said:
        reader.see(said)
    reader.settle()


def many_layers(base: images.Image) -> images.Image:
    """An image of as many layers as there may be; all but the first are the same."""
    said = json.loads(base.config.data)
    layers = (base.layers[0], *[base.layers[1]] * (MANY - 1))
    first, second = said["rootfs"]["diff_ids"]
    said["rootfs"]["diff_ids"] = [first, *[second] * (MANY - 1)]
    said["history"] = [said["history"][0]] * MANY
    config = images.Blob(base.config.media_type, json.dumps(said).encode())
    manifest = json.loads(base.manifest.data)
    manifest |= {"config": config.descriptor(), "layers": [one.descriptor() for one in layers]}
    made = images.Blob(base.manifest.media_type, json.dumps(manifest).encode())
    return dataclasses.replace(base, manifest=made, config=config, layers=layers)


@pytest.fixture(scope="module")
def unknown(moorage: Moorage, parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A project with artifacts of rare kinds; the digest of one whose type nobody knows."""
    moorage.create_project("port", public=True)
    pusher = Pusher(parts.get("skopeo", Skopeo).program, tmp_path_factory.mktemp("states"), moorage)
    base = images.image("states")
    pusher.push(base, "port/quay/app:1.0.0", "port/quay/app:1.0")
    arm = images.image("states-arm", architecture="arm64", base=base)
    pusher.push(arm, "port/quay/app:2.0.0")
    pusher.push(many_layers(base), "port/quay/app:3.0.0")
    project = ask(moorage, "GET", "/projects/port")["project_id"]
    for number in range(60):
        made = {"name": f"label {number}", "scope": "p", "project_id": project, "color": "#0065AB"}
        ask(moorage, "POST", "/labels", made)
    path = "/projects/port/repositories/quay%252Fapp/artifacts/1.0.0/labels"
    for one in ask(moorage, "GET", f"/labels?scope=p&project_id={project}&page_size=100"):
        ask(moorage, "POST", path, {"id": one["id"]})
    return attach(moorage, "port/quay/app", base.manifest, "application/vnd.example.unknown+json").digest


def test_artifacts_of_rare_kinds_are_shown(reader: Reader, moorage: Moorage, unknown: str) -> None:
    reader.open("/projects/port", "port")
    reader.keep("projects.project.anonymous")
    reader.enter(f"{PATH}/tags/1.0.0", "1.0.0", moorage.admin)
    reader.page.wait("document.querySelectorAll('[aria-label^=\"Remove label\"]').length === 60")
    reader.keep("artifact.labels")
    go(reader, f"{PATH}/tags/3.0.0?tab=layers")
    reader.page.wait("document.querySelectorAll('main tbody tr').length === 127")
    reader.keep("artifact.127")
    go(reader, f"{PATH}/artifacts/{unknown}", "application/vnd.example.unknown+json")
    reader.keep("artifact.unknown")
    reader.expected = ["404 (Not Found)"]
    for name, query, said in (
        ("equal", "?from=1.0.0&to=1.0", "nothing differs"), ("platforms", "?from=1.0.0&to=2.0.0", "arm64"),
        ("gone", "?from=1.0.0&to=gone", "Try again"),
    ):  # fmt: skip
        go(reader, f"{PATH}/compare{query}", said)
        reader.keep(f"compare.{name}")
    go(reader, f"{PATH}?q=nothing-like-it", "Nothing matches")
    reader.keep("tags.nothing")


@pytest.mark.usefixtures("unknown")
def test_a_part_fails_alone(reader: Reader, moorage: Moorage) -> None:
    reader.expected = ["net::ERR_"]
    reader.enter("/projects", "Projects", moorage.admin)
    reader.page.prepare(AT_ONCE)
    for path, asked, name in (
        ("/projects/port", "*/projects/port/usage*", "projects.project.part"),
        (f"{PATH}/tags/1.0.0?tab=layers", "*/parts*", "artifact.part"),
    ):
        reader.open("/about", "About")
        reader.page.hold(asked)
        go(reader, path)
        reader.page.fail(asked)
        reader.page.wait("document.querySelector('main [role=alert]')")
        assert reader.page.value("document.querySelectorAll('main [role=alert]').length") == 1, name
        reader.keep(name)
        reader.page.let_go()


LONG = "a-long-name-that-goes-on_" * 8 + "end"
"""About as long as names may be: with those below it makes the longest."""
NAMED = {
    "/projects": "projects", f"/projects/{LONG}": "projects.project", f"/projects/{LONG}/members": "members",
    f"/projects/{LONG}/robots": "robots", f"/projects/{LONG}/labels": "labels",
    f"/projects/{LONG}/webhooks": "webhooks",
    f"/projects/{LONG}/policy/retention": "retention", f"/projects/{LONG}/policy/immutability": "immutability",
    f"/projects/{LONG}/trash": "project.trash", "/trash": "trash", "/search?q=a-long-name": "search",
    "/admin/users": "users", "/admin/groups": "groups", "/admin/registries": "registries",
    "/admin/replications": "replications", "/admin/quotas": "quotas", "/me/tokens": "tokens",
    "/admin/audit": "audit",
}  # fmt: skip
"""Pages that show the names, and how their pictures are called."""


TEN = {
    "projects": "/projects", "repositories": "/projects/port/repositories", "tags": PATH,
    "artifact": f"{PATH}/tags/1.0.0", "compare": f"{PATH}/compare?from=1.0.0&to=2.0.0",
    "retention": "/projects/port/policy/retention", "jobs": "/admin/jobs", "gc": "/admin/gc", "audit": "/admin/audit",
    "settings": "/projects/port/settings",
}  # fmt: skip
"""The pages that are opened most, and one of each kind."""

SPACED = """(() => {
  const wide = new CSSStyleSheet();
  const set = "line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important";
  wide.replaceSync(`* { ${set} }`);
  document.adoptedStyleSheets = [wide];
})()"""
"""As far apart as letters and words may be set by a reader. Source: WCAG 2.2, 1.4.12."""


@pytest.mark.usefixtures("unknown")
def test_enlarged_four_times_and_set_apart_nothing_is_cut_off(reader: Reader, moorage: Moorage) -> None:
    reader.enter("/projects", "Projects", moorage.admin)
    reader.page.resize(320, 844)
    wrong = []
    for path in TEN.values():
        go(reader, path)
        wrong += [f"{path}: {one}" for one in reader.cut()]
        reader.page.value(SPACED)
        wrong += [f"{path}, set apart: {one}" for one in reader.cut()]
        reader.page.value("document.adoptedStyleSheets = []")
    assert wrong == []


FORCED = "matchMedia('(forced-colors: active)').matches"
EDGES = "[...document.querySelectorAll('[data-tabs] a')].map((one) => getComputedStyle(one).borderBlockEndColor)"


@pytest.mark.usefixtures("unknown")
def test_colours_of_the_system_leave_nothing_unsaid(reader: Reader, moorage: Moorage, *, deep: bool) -> None:
    reader.enter(PATH, "quay/app", moorage.admin)
    for contrast in ("forced", "more"):
        for theme in ("light", "dark") if deep else ("light",):
            reader.page.prefer(theme, contrast=contrast)
            for name, path in TEN.items() if deep else ():
                go(reader, path)
                reader.photograph(f"{name}.{contrast}", theme=theme)
    reader.page.see_as("deuteranopia")
    for name, path in TEN.items() if deep else ():
        go(reader, path)
        reader.photograph(f"{name}.deuteranopia")
    reader.page.see_as("none")
    reader.page.prefer("light", contrast="forced")
    reader.page.wait(FORCED)
    go(reader, PATH)
    reader.page.wait(f"{EDGES}.length > 1")
    edges = reader.page.value(EDGES)
    assert edges.count(edges[0]) == 1, edges  # which tab it is
    outline = "getComputedStyle(document.querySelector('nav[data-rail] a[data-active]')).outlineStyle"
    assert reader.page.value(outline) == "solid"


def test_bands_stand_over_every_page(reader: Reader, moorage: Moorage) -> None:
    reader.enter("/projects", "Projects", moorage.admin)
    reader.page.value("window.dispatchEvent(new Event('moorage:new-version'))")
    reader.see("A new version is ready.")
    reader.keep("new-version")
    for is_on, event in ((False, "offline"), (True, "online")):
        here = f"{{ value: {json.dumps(is_on)}, configurable: true }}"
        reader.page.value(f"Object.defineProperty(navigator, 'onLine', {here})")
        reader.page.value(f"window.dispatchEvent(new Event('{event}'))")
        if not is_on:
            reader.see("Can't reach the server.")
            reader.keep("offline")
    banner = json.dumps({"message": f"On Sunday {LONG} is moved.", "type": "warning", "closable": True})
    try:
        ask(moorage, "PUT", "/configurations", {"read_only": True, "banner_message": banner})
        reader.open("/projects", "Projects")
        reader.see("Read-only mode")
        reader.see("On Sunday")
        reader.keep("read-only")
        assert reader.axe() == []
        assert reader.cut() == []
    finally:
        ask(moorage, "PUT", "/configurations", {"read_only": False, "banner_message": ""})


def test_names_as_long_as_they_may_be_stay_on_the_page(
    reader: Reader, moorage: Moorage, parts: Parts, tmp_path: Path
) -> None:
    ask(moorage, "POST", "/projects", {"project_name": LONG, "storage_limit": 1 << 20})
    person = {"username": LONG, "realname": "Long", "email": "long@example.org", "password": "Us3r-of-the-page"}
    ask(moorage, "POST", "/users", person)
    ask(moorage, "POST", f"/projects/{LONG}/members", {"role_id": 2, "member_user": {"username": LONG}})
    ask(moorage, "POST", "/usergroups", {"group_name": LONG, "group_type": 3})
    project = ask(moorage, "GET", f"/projects/{LONG}")["project_id"]
    access = [{"resource": "repository", "action": "pull"}]
    held = {"kind": "project", "namespace": LONG, "access": access}
    robot = {"level": "project", "duration": 7, "permissions": [held], "description": LONG}
    ask(moorage, "POST", "/robots", {"name": "robot-" * 20 + "end", **robot})
    ask(moorage, "POST", "/labels", {"name": LONG[:128], "scope": "p", "project_id": project, "color": "#0065AB"})
    target = {"type": "http", "address": f"http://127.0.0.1:1/{LONG}/{LONG}", "skip_cert_verify": False}
    hook = {"name": LONG, "enabled": True, "event_types": ["DELETE_ARTIFACT"], "targets": [target]}
    ask(moorage, "POST", f"/projects/{LONG}/webhook/policies", hook)
    selector = {"kind": "doublestar", "pattern": LONG}
    scopes = {"repository": [{**selector, "decoration": "repoMatches"}]}
    tags = [{**selector, "decoration": "matches"}]
    kept = {"action": "retain", "template": "always", "params": {}, "tag_selectors": tags, "scope_selectors": scopes}
    policy = {"algorithm": "or", "rules": [kept], "trigger": {"kind": "Schedule", "settings": {"cron": ""}}}
    ask(moorage, "POST", "/retentions", {**policy, "scope": {"level": "project", "ref": project}})
    fixed = {"action": "immutable", "template": "immutable_template", "tag_selectors": tags, "scope_selectors": scopes}
    ask(moorage, "POST", f"/projects/{LONG}/immutabletagrules", {**fixed, "disabled": False})
    credential = {"type": "basic", "access_key": moorage.admin.username, "access_secret": moorage.admin.password}
    ask(moorage, "POST", "/registries", {"name": LONG, "type": "harbor", "url": moorage.url, "credential": credential})
    known = ask(moorage, "GET", "/registries")[0]["id"]
    copied = {"name": LONG, "dest_registry": {"id": known}, "trigger": {"type": "manual"}, "enabled": False}
    ask(moorage, "POST", "/replication/policies", {**copied, "filters": [{"type": "name", "value": f"{LONG}/**"}]})
    ask(moorage, "POST", "/users/current/tokens", {"name": LONG[:64], "scopes": ["pull"], "projects": [LONG]})
    Pusher(parts.get("skopeo", Skopeo).program, tmp_path, moorage).push(
        images.image("l", size_bytes=9_000), f"{LONG}/app:1", f"{LONG}/app:2"
    )
    ask(moorage, "DELETE", f"/projects/{LONG}/repositories/app/artifacts/1/tags/1")
    reader.enter("/projects", "Projects", moorage.admin)
    wrong = []
    for path, name in NAMED.items():
        go(reader, path, "a-long-name")
        reader.keep(f"{name}.long")
        wrong += [f"{path}: {one}" for one in reader.cut()]
    reader.page.click("tbody [aria-expanded=false]")
    reader.page.wait("document.querySelector('tbody [aria-expanded=true]')")
    reader.keep("audit.open")
    go(reader, "/admin/audit?q=nothing-like-it", "Nothing matches")
    reader.keep("audit.nothing")
    assert wrong == []
