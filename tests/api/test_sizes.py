"""How many bytes things hold, and how many of them would come back: told beforehand, and counted afterwards."""

import re
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from moorage.access.policy import Role
from moorage.artifacts import deletion_closure
from moorage.db.statements import Query
from moorage.trash import deletion_preview, trash_sizes
from moorage.usage import sizes
from tests.api.client import Client, Repo, Server, digest_of, encode, image, index, subject
from tests.api.conftest import Stores, make_project, make_robot, make_user, unique
from tests.api.statements import counting
from tests.api.test_artifacts_api import BASE, at, get, post
from tests.api.test_parts import config_of


def blob(size: int) -> bytes:
    """Bytes that nothing else has."""
    return unique("blob").encode().ljust(size, b".")


async def measure(app: Server, who: Client, project: str, *references: str) -> Any:
    """What these artifacts of `app` take."""
    answer = await post(app, who, at(project, "app", "/storage"), {"references": list(references)})
    assert answer.status == 200, answer
    return answer.json()


def taken(measured: dict[str, Any]) -> tuple[int, int, int]:
    """Own, shared here, shared elsewhere."""
    return measured["own"], measured["shared_here"], measured["shared_elsewhere"]


async def push(repo: Repo, *tags: str, layers: list[bytes], config: bytes) -> int:
    """Push an image; returns the bytes of its manifest."""
    await repo.image(*tags, layers=layers, config=config)
    return len(encode(image(config, layers)))


async def test_own_bytes_are_those_that_nothing_else_in_the_project_holds(
    app: Server, admin: Client, project: str
) -> None:
    base, mine, both = blob(1000), blob(200), blob(30)
    repo = admin.repo(f"{project}/app")
    c1, c2, c3 = (config_of() for _ in range(3))
    m1 = await push(repo, "v1", layers=[base, mine, both], config=c1)
    m2 = await push(repo, "v2", layers=[base, both], config=c2)
    await push(admin.repo(f"{project}/web"), "v1", layers=[base], config=c3)
    other = await make_project(app)
    await push(admin.repo(f"{other}/app"), "v1", layers=[mine], config=c1)  # of another project: not looked at

    found = await measure(app, admin, project, "v2", "v1", "none", "v1", "sha256:" + "0" * 64)
    assert [one["reference"] for one in found["each"]] == ["v2", "v1"]
    assert found["unknown"] == ["none", "sha256:" + "0" * 64]
    second, first = found["each"]
    assert taken(first) == (m1 + len(c1) + 200, 30, 1000)
    assert taken(second) == (m2 + len(c2), 30, 1000)
    assert first["size"] == m1 + len(c1) + 1230
    assert taken(found["together"]) == (m1 + m2 + len(c1) + len(c2) + 230, 0, 1000)
    assert found["artifacts"] == 2

    shown = await get(app, admin, at(project, "app", "/storage"))
    assert shown == {
        "name": f"{project}/app", "artifacts": 2, "own": m1 + m2 + len(c1) + len(c2) + 230, "shared": 1000,
        "tags": 2, "last_pull_time": None, "shared_with": [{"name": f"{project}/web", "shared": 1000}],
    }  # fmt: skip
    assert (await repo.get("manifests/v2")).status == 200
    await repo.noted(1)
    path = f"{BASE}/projects/{project}/storage"
    listed = await get(app, admin, f"{path}/repositories")
    assert [(one["name"], one["own"], one["shared"]) for one in listed] == [
        (f"{project}/app", shown["own"], 1000),
        (f"{project}/web", listed[1]["own"], 1000),
    ]
    (newest, *_) = await get(app, admin, at(project, "app", "/tags?q=name=v2"))
    assert [(one["tags"], one["last_pull_time"]) for one in listed] == [(2, newest["pull_time"]), (1, None)]
    for sort, names in (
        ("own", ["web", "app"]), ("-own", ["app", "web"]), ("shared,own", ["app", "web"]), ("name", ["app", "web"]),
        ("-name", ["web", "app"]), ("-artifacts", ["app", "web"]),
    ):  # fmt: skip
        rows = await get(app, admin, f"{path}/repositories?sort={sort}")
        assert [one["name"].partition("/")[2] for one in rows] == names, sort
        assert {one["name"]: one["own"] for one in rows} == {one["name"]: one["own"] for one in listed}
    (row,) = await get(app, admin, f"{path}/repositories?q=name=~we")
    assert row["name"] == f"{project}/web"
    assert len(await get(app, admin, f"{path}/repositories?page_size=1&page=2")) == 1

    whole = await get(app, admin, path)
    assert whole["blobs"] == 6
    assert whole["blob_bytes"] == 1230 + len(c1) + len(c2) + len(c3)
    assert (whole["limit"], whole["shared"], whole["trash"]) == (-1, 200 + len(c1), 0)
    assert whole["own"] == whole["blob_bytes"] - whole["shared"]
    # all of the project: what is its repositories' own, and what they share, once
    assert whole["held"] == sum(one["own"] for one in listed) + 1000
    member = await make_user(app, {project: Role.PROJECT_ADMIN})
    shown = await get(app, member, path)
    assert (shown["own"], shown["shared"], shown["held"]) == (None, None, whole["held"])


async def test_an_artifact_takes_its_children_and_accessories_along(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    configs = [config_of() for _ in range(3)]
    for number, config in enumerate(configs):
        await repo.image(config=config, layers=[f"{project}{number}".encode()])
    children = [image(config, [f"{project}{number}".encode()]) for number, config in enumerate(configs)]
    first, second = index(*children[:2]), index(*children[1:])
    assert (await repo.put("first", first)).status == 201
    assert (await repo.put("second", second)).status == 201
    signed = image(configs[0], [b"layer"], subject=subject(children[0]))
    await repo.blob(b"layer")
    assert (await repo.put(digest_of(signed), signed)).status == 201
    again = image(configs[0], [b"layer"], subject=subject(signed))
    assert (await repo.put(digest_of(again), again)).status == 201

    found = await measure(app, admin, project, "first", "second")
    lengths = [len(encode(one)) for one in (first, second, *children, signed, again)]
    layer = len(project) + 1
    one, other = found["each"]
    # the child of both stays; both signatures go with the child that goes
    assert one["own"] == lengths[0] + lengths[2] + lengths[5] + lengths[6] + len(configs[0]) + layer + len(b"layer")
    assert other["own"] == lengths[1] + lengths[4] + len(configs[2]) + layer
    assert taken(found["together"]) == (sum(lengths) + sum(map(len, configs)) + 3 * layer + len(b"layer"), 0, 0)
    assert found["artifacts"] == 7


async def test_what_is_in_the_trash_still_shares(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    layer, config = blob(500), config_of()
    await push(repo, "v1", layers=[layer], config=config)
    size = await push(repo, "v2", layers=[layer], config=config_of(more="x"))
    before = await get(app, admin, at(project, "app", "/storage"))
    answer = await app.send("DELETE", at(project, "app", "/artifacts/v1"), headers=admin.basic)
    assert answer.status == 200
    (one,) = (await measure(app, admin, project, "v2"))["each"]
    assert one["own"] > size
    assert one["shared_here"] == 500
    after = await get(app, admin, at(project, "app", "/storage"))
    assert (after["own"], after["artifacts"]) == (before["own"], 1)
    whole = await get(app, admin, f"{BASE}/projects/{project}/storage")
    assert whole["held"] - whole["trash"] == one["own"] + 500
    (entry,) = await get(app, admin, f"{BASE}/projects/{project}/trash")
    assert (await app.send("DELETE", f"{BASE}/trash/{entry['id']}", headers=admin.basic)).status == 200
    whole = await get(app, admin, f"{BASE}/projects/{project}/storage")
    assert (whole["held"], whole["trash"], whole["blob_bytes"]) == (one["own"] + 500, 0, one["own"] + 500 - size)
    assert (await get(app, admin, at(project, "app", "/storage")))["own"] == whole["held"]


async def test_the_number_of_statements_is_constant(app: Server, admin: Client) -> None:
    counts: dict[str, set[int]] = {}
    for number in (1, 10, 100):
        project = await make_project(app)
        repo = admin.repo(f"{project}/app")
        config = config_of()
        for data in (config, b"layer"):
            await repo.blob(data)
        for one in range(number):
            assert (await repo.put(f"v{one}", image(config, n=str(one)))).status == 201
            other = admin.repo(f"{project}/r{one}")
            await other.blob(config)
            made = {**image(config, []), "layers": []}
            assert (await other.put("v1", made)).status == 201
        paths = {
            "project": f"{BASE}/projects/{project}/storage",
            "by own": f"{BASE}/projects/{project}/storage/repositories?page_size=100",
            "by name": f"{BASE}/projects/{project}/storage/repositories?page_size=100&sort=name",
            "repository": at(project, "app", "/storage"),
        }
        for name, path in paths.items():
            with counting() as statements:
                await get(app, admin, path)
            counts.setdefault(name, set()).add(len(statements))
        with counting() as statements:
            found = await measure(app, admin, project, *(f"v{one}" for one in range(number)))
        assert len(found["each"]) == number
        counts.setdefault("artifacts", set()).add(len(statements))
    assert all(len(seen) == 1 for seen in counts.values()), counts
    assert max(map(max, counts.values())) <= 8, counts


async def test_no_statement_looks_at_a_whole_table(stores: Stores) -> None:
    server = await stores.shared("sqlite")
    queries = {
        f"{module.__name__}.{name}": value
        for module in (deletion_closure, sizes, deletion_preview, trash_sizes)
        for name, value in vars(module).items()
        if isinstance(value, Query)
    }
    assert len(queries) >= 10
    with closing(sqlite3.connect(f"file:{server.settings.data}/moorage.db?mode=ro", uri=True)) as db:
        for name, query in queries.items():
            places = max(int(number) for number in re.findall(r"\?(\d+)", query.sqlite))
            plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query.sqlite}", ["[1]"] * places)]
            # what is scanned is what was given, or the rows of a statement of its own
            assert not [step for step in plan if re.match(r"SCAN (?!json_each|[fw]\b)", step)], (name, plan)
            assert not [step for step in plan if "subject_digest>?" in step], (name, plan)


@pytest.mark.parametrize("references", [[], ["x"] * 501, "x", [7]])
async def test_what_cannot_be_measured(app: Server, admin: Client, project: str, references: object) -> None:
    await admin.repo(f"{project}/app").image("v1")
    answer = await post(app, admin, at(project, "app", "/storage"), {"references": references})
    assert answer.status == 422


async def test_who_may_measure(app: Server, admin: Client, project: str) -> None:
    await admin.repo(f"{project}/app").image("v1", config=config_of())
    guest, stranger = await make_user(app, {project: Role.LIMITED_GUEST}), await make_user(app)
    robot = await make_robot(app, project, "pull")
    body = encode({"references": ["v1"]})
    paths = [f"{BASE}/projects/{project}/storage", f"{BASE}/projects/{project}/storage/repositories"]
    paths.append(at(project, "app", "/storage"))
    json = {"content-type": "application/json"}
    for path in paths:
        assert (await app.send("GET", path)).status == 401
        assert (await app.send("GET", path, headers=guest.basic)).status == 200
        for who in (stranger, robot):
            assert (await app.send("GET", path, headers=who.basic)).status == 403
    path = at(project, "app", "/storage")
    assert (await app.send("POST", path, body, headers=json)).status == 401
    assert (await app.send("POST", path, body, headers={**guest.basic, **json})).status == 200
    for who in (stranger, robot):
        assert (await app.send("POST", path, body, headers={**who.basic, **json})).status == 403
    absent = await app.send("GET", at(project, "none", "/storage"), headers=admin.basic)
    assert absent.status == 404
