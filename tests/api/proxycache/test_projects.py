"""Projects that mirror another registry: how they are made, and what may be done with them."""

import pytest

from moorage.oci.digest import compute
from tests.api.client import OCI_MANIFEST, Client, Server
from tests.api.conftest import make_user, unique
from tests.api.proxycache.conftest import Mirror, Shelf, make_mirror, make_registry
from tests.api.test_labels_api import ask
from tests.fakes.scripted import Scripted


async def test_what_a_mirror_refuses_to_everybody_is_offered_to_nobody(
    app: Server, admin: Client, mirror: Mirror
) -> None:
    refused = {"artifact:create", "repository:push", "tag:create"}
    hosted = unique("hosted")
    assert (await ask(app, admin, "POST", "/projects", {"project_name": hosted})).status == 201
    scopes = {"scopes": [f"/project/{name}" for name in (hosted, mirror.name)]}
    here, there = (await ask(app, admin, "POST", "/users/current/permissions", scopes)).json()
    assert set(here["permissions"]) - set(there["permissions"]) == refused
    for action in ("push", *refused):
        said = [
            (await ask(app, admin, "GET", f"/projects/{name}/explain?principal=user:admin&action={action}")).json()
            for name in (hosted, mirror.name)
        ]
        assert [(one["allowed"], one["decided_by"]) for one in said] == [(True, "system-admin"), (False, "proxy-cache")]


async def test_a_mirror_is_made_shown_and_keeps_its_registry(app: Server, admin: Client, mirror: Mirror) -> None:
    shown = (await ask(app, admin, "GET", f"/projects/{mirror.name}")).json()
    assert shown["registry_id"] == mirror.registry_id
    for kind, names in (("true", [mirror.name]), ("false", [])):
        found = (await ask(app, admin, "GET", f"/projects?q=name={mirror.name},proxy={kind}")).json()
        assert [one["name"] for one in found] == names
    other = {"registry_id": mirror.registry_id + 1}
    answer = await ask(app, admin, "PUT", f"/projects/{mirror.name}", other)
    assert (answer.status, answer.json()["errors"][0]["detail"]["reason"]) == (400, "REGISTRY_FIXED")
    same = {"registry_id": mirror.registry_id, "metadata": {"proxy_speed_kb": "100", "proxy_cache_tag_seconds": "7"}}
    assert (await ask(app, admin, "PUT", f"/projects/{mirror.name}", same)).status == 200
    shown = (await ask(app, admin, "GET", f"/projects/{mirror.name}")).json()
    assert (shown["metadata"]["proxy_speed_kb"], shown["metadata"]["proxy_cache_tag_seconds"]) == ("100", "7")

    summary = (await ask(app, mirror.guest, "GET", f"/projects/{mirror.name}/summary")).json()
    assert (summary["registry"]["id"], summary["registry"]["type"]) == (mirror.registry_id, "docker-registry")
    assert "credential" not in summary["registry"]

    in_use = await ask(app, admin, "DELETE", f"/registries/{mirror.registry_id}")
    assert (in_use.status, in_use.code) == (412, "PRECONDITION")
    # Hosted projects have none of these, and a mirror has nobody who signs.
    for project, key in ((unique("hosted"), "proxy_speed_kb"), (mirror.name, "enable_content_trust")):
        await ask(app, admin, "POST", "/projects", {"project_name": project})
        answer = await ask(app, admin, "PUT", f"/projects/{project}/metadatas/{key}", {key: "1"})
        assert answer.status in {400, 404}


@pytest.mark.parametrize("seconds", ["-1", "soon", "99999999"])
async def test_a_time_to_live_is_seconds(app: Server, admin: Client, mirror: Mirror, seconds: str) -> None:
    body = {"metadata": {"proxy_cache_tag_seconds": seconds}}
    assert (await ask(app, admin, "PUT", f"/projects/{mirror.name}", body)).status == 400


async def test_only_administrators_make_mirrors(app: Server, admin: Client, upstream: Scripted) -> None:
    made = await make_registry(app, admin, upstream)
    somebody = await make_user(app)
    body = {"project_name": unique("mirror"), "registry_id": made}
    assert (await ask(app, somebody, "POST", "/projects", body)).status == 403
    assert (await ask(app, admin, "POST", "/projects", {**body, "registry_id": 10**9})).status == 404


@pytest.mark.parametrize(
    "brand", ["docker-registry", "docker-hub", "github-ghcr", "gitlab", "quay", "azure-acr", "jfrog-artifactory"]
)
async def test_a_registry_of_every_kind_can_be_mirrored(
    app: Server, admin: Client, upstream: Scripted, shelf: Shelf, brand: str
) -> None:
    mirror = await make_mirror(app, admin, upstream, shelf, kind=brand)
    shown = (await ask(app, admin, "GET", f"/projects/{mirror.name}")).json()
    assert shown["registry_id"] == mirror.registry_id


async def test_a_mirror_begins_with_a_retention_policy(app: Server, admin: Client, mirror: Mirror) -> None:
    shown = (await ask(app, admin, "GET", f"/projects/{mirror.name}")).json()
    policy = (await ask(app, admin, "GET", f"/retentions/{shown['metadata']['retention_id']}")).json()
    (rule,) = policy["rules"]
    assert (rule["template"], rule["params"]["nDaysSinceLastPull"]) == ("nDaysSinceLastPull", 7)
    assert policy["trigger"]["settings"]["cron"] == "0 0 0 * * *"


async def test_nothing_is_pushed_to_a_mirror(app: Server, admin: Client, mirror: Mirror) -> None:
    raw = mirror.shelf.put("team/app", "v1")
    assert (await mirror.get("team/app", "v1")).status == 200
    repository = f"{mirror.name}/team/app"
    for method, path in (
        ("PUT", f"/v2/{repository}/manifests/v2"),
        ("POST", f"/v2/{repository}/blobs/uploads/"),
        ("POST", f"/v2/{repository}/blobs/uploads/?mount={compute(b'x')}&from={mirror.name}/team/other"),
    ):
        headers = {**admin.basic, "content-type": OCI_MANIFEST}
        answer = await app.send(method, path, raw if method == "PUT" else b"", headers=headers)
        assert (answer.status, answer.code) == (403, "DENIED"), answer
    one = f"/projects/{mirror.name}/repositories/team%252Fapp/artifacts"
    tagged = await ask(app, admin, "POST", f"{one}/{compute(raw)}/tags", {"name": "v2"})
    copied = await ask(app, admin, "POST", f"{one}?from={repository}:v1")
    assert (tagged.status, copied.status) == (405, 405)
    assert tagged.code == "METHOD_NOT_ALLOWED"
