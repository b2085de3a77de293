"""A server with one of everything, for stories that open every page: what stands there is what pages are seen with."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.clients import images
from tests.parts.base import wait_until
from tests.portal.conftest import Pusher
from tests.serving import Moorage

DESCRIPTION = """# The backend

Answers what the *web page* asks. Needs a database:

```sh
docker run -e DATABASE_URL=postgres://db/app team/backend/api:2.1.0
```

| variable | what it is |
|---|---|
| `DATABASE_URL` | where the data is |
| `PORT` | 8080 otherwise |

Ask [the people of the backend](https://example.org/backend) before you change it.
"""


@dataclass(frozen=True)
class Furnished:
    """What was made.

    Attributes:
        values: of the parameters of pages' addresses, as `table.fill_in` takes them. A page with a parameter that is
            not there fails the story of all pages: what it shows is made in `furnish`, and named here.
    """

    values: Mapping[str, Mapping[str, str]]


def furnish(moorage: Moorage, pusher: Pusher) -> Furnished:
    """Make one of everything: projects `team` and `web`, and in `team/backend/api` all that a repository may have."""
    auth = (moorage.admin.username, moorage.admin.password)
    with httpx.Client(base_url=moorage.url + "/api/v2.0", auth=auth, timeout=120) as client:
        api = Api(client)
        api.make("/projects", {"project_name": "team", "storage_limit": 1 << 30})
        api.make("/projects", {"project_name": "web", "metadata": {"public": "true"}})
        _people(api)
        of_webhook = _webhook(api)
        digest = _images(api, pusher)
        _rules(api)
        policy, run = _replication(api, moorage)
        api.make("/system/gc/schedule", {"schedule": {"type": "Manual"}, "parameters": {"dry_run": True}})
        api.send("PUT", "/system/gc/schedule", {"schedule": {"type": "Weekly", "cron": "0 0 3 * * 6"}})
        api.send("DELETE", "/projects/web/repositories/old")
        api.send("DELETE", "/projects/team/repositories/backend%252Fapi/artifacts/0.9.0/tags/0.9.0")
        api.send("DELETE", "/projects/team/repositories/backend%252Fapi/artifacts/0.8.0")
        api.wait("/system/gc", lambda rows: rows and rows[0]["job_status"] == "Success")
        retention = f"/retentions/{api.get('/projects/team')['metadata']['retention_id']}/executions"
        api.wait(retention, lambda rows: rows[0]["end_time"])
    repository = "/projects/$project/repositories/$repository"
    return Furnished(
        {
            "/projects/$project": {"project": "team"},
            repository: {"repository": "backend~api"},
            f"{repository}/tags/$reference": {"reference": "2.1.0"},
            f"{repository}/artifacts/$reference": {"reference": digest},
            f"{repository}/compare": {"?": "?from=2.0.0&to=2.1.0"},
            "/projects/$project/webhooks/$policy": {"policy": of_webhook},
            "/search": {"?": "?q=api"},
            "/admin/settings/$section": {"section": "ldap"},
            "/admin/replications/$policy": {"policy": policy},
            "/admin/replications/$policy/runs/$run": {"run": run},
        }
    )


@dataclass(frozen=True)
class Api:
    """The REST API, as the administrator."""

    client: httpx.Client

    def send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """A request that has to work."""
        answer = self.client.request(method, path, json=body)
        assert answer.is_success, (method, path, answer.text)
        return answer

    def get(self, path: str) -> Any:
        """What stands there."""
        return self.send("GET", path).json()

    def make(self, path: str, body: Any) -> str:
        """The id of something new."""
        location: str = self.send("POST", path, body).headers.get("location", "")
        return location.rpartition("/")[2]

    def wait(self, path: str, ready: Callable[[Any], Any]) -> None:
        """Ask until the answer is as it should be."""
        wait_until(lambda: bool(ready(self.get(path))), what=path, seconds=60)


def _people(api: Api) -> None:
    for number, (name, realname) in enumerate(
        (("alice", "Alice Weiß"), ("bob", "Bob Carver"), ("陈静", "陈静"), ("dora", "Dora Ångström"))
    ):
        email = f"person{number}@example.org"
        api.make("/users", {"username": name, "realname": realname, "email": email, "password": "Us3r-of-the-page"})
        api.make("/projects/team/members", {"role_id": number + 1, "member_user": {"username": name}})
    api.make("/usergroups", {"group_name": "engineers", "group_type": 3})
    for level, place, resource in (("project", "team", "repository"), ("system", "*", "repository")):
        access = [{"resource": resource, "action": action} for action in ("pull", "push")]
        one = {"kind": "project", "namespace": place, "access": access}
        api.make(
            "/robots", {"name": "ci", "level": level, "duration": 30, "permissions": [one], "description": "builds"}
        )
    api.make("/users/current/tokens", {"name": "laptop", "scopes": ["pull", "push"], "projects": ["team"]})


def _images(api: Api, pusher: Pusher) -> str:
    """Tags of every kind, a signature, labels and a description. Returns the digest of 2.1.0."""
    base = images.image("api 2.0.0", size_bytes=400_000)
    pusher.push(images.image("api 1.9.0", size_bytes=90_000), "team/backend/api:1.9.0", "team/backend/api:0.9.0")
    pusher.push(images.image("api 0.8.0", size_bytes=9_000), "team/backend/api:0.8.0")
    pusher.push(base, "team/backend/api:2.0.0", "team/backend/api:2.0")
    pusher.push(images.image("api rc", base=base), "team/backend/api:2.2.0-rc.1")
    arms = (images.image("api 2.1.0", base=base, architecture=one) for one in ("amd64", "arm64"))
    newest = images.index(*arms)
    pusher.push(newest, "team/backend/api:2.1.0", "team/backend/api:2.1", "team/backend/api:latest")
    pusher.push(images.image("web", size_bytes=50_000), "team/web/page:1.0.0", "web/page:1.0.0", "web/old:0.1.0")
    bill = attach(pusher.moorage, "team/backend/api", newest.manifest, "application/spdx+json")
    for signed in (newest.manifest, bill):
        attach(pusher.moorage, "team/backend/api", signed, SIGNATURE)
    one = api.get("/projects/team")["project_id"]
    path = "/projects/team/repositories/backend%252Fapi"
    for name, color in (("stable", "#48960C"), ("needs review", "#F57600")):
        label = api.make("/labels", {"name": name, "color": color, "scope": "p", "project_id": one})
        api.send("POST", f"{path}/artifacts/2.1.0/labels", {"id": int(label)})
    api.send("PUT", path, {"description": DESCRIPTION})
    return newest.digest


SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json"


def attach(moorage: Moorage, repository: str, subject: images.Blob, kind: str) -> images.Blob:
    """Put beside an artifact a signature or an SBOM of it, with anybody's bytes. Returns its manifest."""
    auth = (moorage.admin.username, moorage.admin.password)
    scope = {"service": "harbor-registry", "scope": f"repository:{repository}:pull,push"}
    token = httpx.get(f"{moorage.url}/service/token", params=scope, auth=auth, timeout=60).json()["token"]
    with httpx.Client(
        base_url=f"{moorage.url}/v2/{repository}", headers={"authorization": f"Bearer {token}"}, timeout=60
    ) as client:
        config = images.Blob("application/vnd.oci.empty.v1+json", b"{}")
        layer = images.Blob(kind, b"what it says")
        for blob in (config, layer):
            sent = client.post("/blobs/uploads/", params={"digest": blob.digest}, content=blob.data)
            assert sent.status_code == 201, sent.text
        said = {
            "schemaVersion": 2, "mediaType": images.IMAGE_MANIFEST, "artifactType": kind, "config": config.descriptor(),
            "layers": [layer.descriptor()], "subject": subject.descriptor(),
        }  # fmt: skip
        manifest = images.Blob(images.IMAGE_MANIFEST, json.dumps(said).encode())
        headers = {"content-type": manifest.media_type}
        sent = client.put(f"/manifests/{manifest.digest}", content=manifest.data, headers=headers)
        assert sent.status_code == 201, sent.text
    return manifest


def _webhook(api: Api) -> str:
    """A webhook that nobody hears. Returns its id."""
    target = {"type": "http", "address": "http://127.0.0.1:1/hook", "skip_cert_verify": False}
    hook = {"name": "ci", "enabled": True, "event_types": ["DELETE_ARTIFACT"], "targets": [target]}
    return api.make("/projects/team/webhook/policies", hook)


def _rules(api: Api) -> None:
    """Retention with a dry run, and an immutable rule."""
    selector = {"kind": "doublestar", "pattern": "**"}
    scopes = {"repository": [{**selector, "decoration": "repoMatches"}]}
    rule = {
        "action": "retain", "template": "latestPushedK", "params": {"latestPushedK": 3},
        "tag_selectors": [{**selector, "decoration": "matches"}], "scope_selectors": scopes,
    }  # fmt: skip
    one = api.get("/projects/team")["project_id"]
    trigger = {"kind": "Schedule", "settings": {"cron": "0 0 1 * * *"}}
    scope = {"level": "project", "ref": one}
    policy = api.make("/retentions", {"algorithm": "or", "rules": [rule], "trigger": trigger, "scope": scope})
    api.make(f"/retentions/{policy}/executions", {"dry_run": True})
    immutable = {
        "disabled": False, "action": "immutable", "template": "immutable_template", "scope_selectors": scopes,
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "1.*"}],
    }  # fmt: skip
    api.make("/projects/team/immutabletagrules", immutable)


def _replication(api: Api, moorage: Moorage) -> tuple[str, str]:
    """A registry, which is this server; a copy that ran. Returns the ids of the policy and of the run."""
    credential = {"type": "basic", "access_key": moorage.admin.username, "access_secret": moorage.admin.password}
    registry = api.make(
        "/registries", {"name": "elsewhere", "type": "harbor", "url": moorage.url, "credential": credential}
    )
    sent = {
        "name": "to-elsewhere", "dest_registry": {"id": int(registry)}, "enabled": True, "dest_namespace": "web",
        "trigger": {"type": "scheduled", "trigger_settings": {"cron": "0 0 1 * * *"}},
        "filters": [{"type": "name", "value": "team/web/**"}],
    }  # fmt: skip
    policy = api.make("/replication/policies", sent)
    run = api.make("/replication/executions", {"policy_id": int(policy)})
    api.wait(f"/replication/executions/{run}", lambda found: found["status"] != "InProgress")
    return policy, run
