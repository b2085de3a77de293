"""Databases that earlier revisions made are opened by today's code, and what was in them is there."""

import hashlib
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from moorage.db.migrate import HEAD
from tests.flows.upgrade.make_fixtures import ADMIN, FOLDER, PASSWORD
from tests.rest.conftest import Caller
from tests.serving import Account, Moorage

REVISIONS = sorted(folder.name for folder in FOLDER.iterdir() if (folder / "sqlite.tar.xz").exists())


def test_a_fixture_is_kept_for_the_first_revision() -> None:
    assert "0001" in REVISIONS


@pytest.fixture(params=REVISIONS)
def revision(request: pytest.FixtureRequest) -> str:
    """A revision with a kept database."""
    return str(request.param)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.part("postgres"))])
def opened(request: pytest.FixtureRequest, revision: str, tmp_path: Path) -> Iterator[tuple[Moorage, dict[str, str]]]:
    """A server of today's code on the kept data folder and database, and what was made there."""
    data = tmp_path / "data"
    with tarfile.open(FOLDER / revision / f"{request.param}.tar.xz") as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python before 3.11.4 has none
        archive.extractall(data)  # noqa: S202 - what this repository holds
    made: dict[str, str] = json.loads((data / "made.json").read_text())
    url = ""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
        with psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as db:
            db.execute((data / "dump.sql").read_bytes())
    moorage = Moorage(data, database_url=url)
    moorage.admin = ADMIN
    moorage.start()
    try:
        yield moorage, made
    except BaseException:
        moorage.kill()
        raise
    moorage.stop()


def pull(moorage: Moorage, account: Account, repository: str, reference: str) -> str:
    """Pull a manifest with all its blobs; the digest of the manifest."""
    scope = {"service": "harbor-registry", "scope": f"repository:{repository}:pull"}
    auth = (account.username, account.password)
    with httpx.Client(base_url=moorage.url, timeout=60) as client:
        token = client.get("/service/token", params=scope, auth=auth).json()["token"]
        client.headers["authorization"] = f"Bearer {token}"
        manifest = client.get(f"/v2/{repository}/manifests/{reference}")
        assert manifest.status_code == 200, manifest.text
        for blob in (manifest.json()["config"], *manifest.json()["layers"]):
            content = client.get(f"/v2/{repository}/blobs/{blob['digest']}").content
            assert "sha256:" + hashlib.sha256(content).hexdigest() == blob["digest"]
    return "sha256:" + hashlib.sha256(manifest.content).hexdigest()


def test_what_an_earlier_revision_held_is_there(opened: tuple[Moorage, dict[str, str]], revision: str) -> None:
    moorage, made = opened
    admin, project = Caller(moorage, ADMIN), made["project_name"]
    if revision != HEAD:
        assert f"from revision {revision} to {HEAD}" in moorage.log_text()

    # people: passwords, roles, an access token's row, a robot's secret
    for name in ("gustav", "dora", "mia", "pia"):
        me = Caller(moorage, Account(name, PASSWORD)).send("GET", "/users/current")
        assert (me.status_code, me.json()["username"]) == (200, name)
    members = {one["entity_name"]: one["role_id"] for one in admin.send("GET", f"/projects/{project}/members").json()}
    assert {"admin": 1, "gustav": 3, "dora": 2, "mia": 4, "pia": 1}.items() <= members.items()
    tokens = Caller(moorage, Account("dora", PASSWORD)).send("GET", "/users/current/tokens").json()
    assert [one["name"] for one in tokens] == ["of the fixture"]

    # content: pulled by a member and by the robot, byte by byte; what was deleted is in the trash
    robot = Account(made["robot_name"], PASSWORD)
    app, tag = made["repository_name"], made["tag_name"]
    for account in (Account("dora", PASSWORD), robot):
        assert pull(moorage, account, f"{project}/{app}", tag) == made["digest"]
        assert pull(moorage, account, f"{project}/deep/tool", "v2") == made["second_digest"]
    names = {one["name"] for one in admin.send("GET", f"/projects/{project}/repositories").json()}
    assert {f"{project}/{app}", f"{project}/deep/tool"} <= names
    assert f"{project}/gone" not in names
    assert f"{project}/gone" in admin.send("GET", "/trash").text

    # what was set up: read back, with what had to be encrypted
    for path, key, value in (
        (f"/projects/{project}/immutabletagrules", "id", made["immutable_rule_id"]),
        (f"/projects/{project}/webhook/policies", "id", made["webhook_policy_id"]),
        (f"/replication/policies?name=replication-of-{project}", "id", made["replication_id"]),
        (f"/registries?q=name={made['registry_name']}", "id", made["registry_id"]),
        (f"/labels?scope=p&project_id={made['project_id']}&name=first", "id", made["label_id"]),
        ("/quotas?page_size=100", "id", made["id"]),
    ):
        answer = admin.send("GET", path)
        assert answer.status_code == 200, (path, answer.text)
        assert value in {str(one[key]) for one in answer.json()}, path
    kept = admin.send("GET", f"/retentions/{made['retention_id']}").json()
    assert kept["scope"]["ref"] == int(made["project_id"])
    shown = admin.send("GET", f"/projects/{project}/repositories/{app}/artifacts/{tag}?with_label=true").json()
    assert [one["name"] for one in shown["labels"]] == ["first"]

    # names are found by a part of them, and what is pushed now is, too
    for path, wanted in (("/find?q=ep/too", f"{project}/deep/tool"), (f"/find?q={app[:2]}", f"{project}/{app}")):
        found = admin.send("GET", path).json()["repositories"]
        assert wanted in {one["repository"] for one in found}, path
    logged = admin.send("GET", "/auditlog-exts?page_size=100").json()
    assert len(logged) > 10
