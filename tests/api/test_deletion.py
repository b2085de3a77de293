"""What deleting would do is told beforehand, and is then what happens."""

import random
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from moorage.access.policy import Role
from moorage.artifacts import deletion_closure, immutable_rules
from moorage.artifacts.immutable_rules import RuleBody, RuleSelector
from tests.api.client import Client, Repo, Server, digest_of, encode, image, index, subject
from tests.api.conftest import make_project, make_robot, make_user, project_id, unique
from tests.api.statements import counting
from tests.api.test_artifacts_api import BASE, at, get, post
from tests.api.test_parts import config_of

JSON = {"content-type": "application/json"}


async def preview(app: Server, who: Client, project: str, reference: str) -> Any:
    """What deleting an artifact of `app` would do."""
    return await get(app, who, at(project, "app", f"/artifacts/{reference}/deletion"))


async def preview_tags(app: Server, who: Client, project: str, *tags: str) -> Any:
    """What deleting tags of `app` would do."""
    answer = await post(app, who, at(project, "app", "/tags/deletion"), {"tags": list(tags)})
    assert answer.status == 200, answer
    return answer.json()


async def preview_several(app: Server, who: Client, project: str, *references: str) -> Any:
    """What deleting artifacts of `app` together would do."""
    answer = await post(app, who, at(project, "app", "/deletion"), {"references": list(references)})
    assert answer.status == 200, answer
    return answer.json()


async def keep(app: Server, project: str, pattern: str) -> int:
    """Make tags immutable."""
    body = RuleBody(
        tag_selectors=[RuleSelector(decoration="matches", pattern=pattern)],
        scope_selectors={"repository": [RuleSelector(decoration="repoMatches", pattern="**")]},
    )
    return await app.run(immutable_rules.create_rule, await project_id(app, project), body)


async def held(app: Server, project: str) -> int:
    """Bytes of a project that artifacts use, and of their manifests."""
    number = await project_id(app, project)
    ((blobs,),) = await app.rows(
        "SELECT coalesce(sum(c.size_bytes), 0) FROM project_blob c WHERE c.project_id = :p AND EXISTS (SELECT 1 "
        "FROM artifact_blob u JOIN repository r ON r.id = u.repository_id "
        "WHERE u.blob_id = c.blob_id AND r.project_id = c.project_id)",
        p=number,
    )
    ((manifests,),) = await app.rows(
        "SELECT coalesce(sum(a.manifest_bytes), 0) FROM artifact a JOIN repository r ON r.id = a.repository_id "
        "WHERE r.project_id = :p",
        p=number,
    )
    return int(blobs) + int(manifests)


async def live(app: Server, project: str) -> set[str]:
    """Digests that can be pulled from `app`."""
    rows = await app.rows(
        "SELECT a.digest FROM artifact a JOIN repository r ON r.id = a.repository_id "
        "WHERE r.path = :path AND r.trash_id IS NULL AND a.trash_id IS NULL",
        path=f"{project}/app",
    )
    return {f"sha256:{bytes(digest)[1:].hex()}" for (digest,) in rows}


async def push_tangle(repo: Repo, chance: random.Random) -> list[str]:
    """Images with few layers between them, indexes of images and indexes, and referrers of all of them."""
    made: list[dict[str, object]] = []
    layers = [f"{repo.name} {number}".encode() for number in range(4)]
    for data in (b"{}", *layers):
        await repo.blob(data)
    for number in range(12):
        more: dict[str, Any] = {"annotations": {"n": str(number)}}
        if made and chance.random() < 0.35:
            more["subject"] = subject(chance.choice(made))
        if made and chance.random() < 0.4:
            manifest = index(*chance.sample(made, chance.randint(1, min(3, len(made)))), **more)
        else:
            manifest = image(layers=chance.sample(layers, chance.randint(1, 3)), **more)
        tags = [f"t{number}", f"u{number}"][: chance.choice((0, 0, 1, 2))]
        for reference in tags or (digest_of(manifest),):
            assert (await repo.put(reference, manifest)).status == 201
        made.append(manifest)
    return [digest_of(manifest) for manifest in made]


@pytest.mark.parametrize("seed", range(12))
async def test_what_is_told_is_what_goes(app: Server, admin: Client, seed: int) -> None:
    chance = random.Random(seed)
    project = await make_project(app)
    repo = admin.repo(f"{project}/app")
    digests = await push_tangle(repo, chance)
    other = admin.repo(f"{project}/web")
    await other.image("v1", layers=[f"{repo.name} 0".encode()])
    for digest in chance.sample(digests, 8):
        here = await live(app, project)
        answer = await app.send("GET", at(project, "app", f"/artifacts/{digest}/deletion"), headers=admin.basic)
        if digest not in here:
            assert answer.status == 404
            continue
        told = answer.json()
        tags = await repo.listed()
        before = await held(app, project)
        done = await app.send("DELETE", at(project, "app", f"/artifacts/{digest}"), headers=admin.basic)
        assert (done.status == 200) == told["allowed"], (told, done)
        if not told["allowed"]:
            (refused,) = told["refused"]
            assert (done.status, refused["reason"]) == (412, "MANIFEST_IN_USE")
            assert refused["index"] in here
            continue
        gone = here - await live(app, project)
        assert {one["digest"] for one in told["artifacts"]} == gone
        assert told["artifact_count"] + told["accessory_count"] + told["child_count"] == len(gone)
        assert told["artifact_count"] == 1
        assert set(told["tags"]) == set(tags) - set(await repo.listed())
        assert told["tag_count"] == len(told["tags"])
        (entry,) = (await get(app, admin, f"{BASE}/projects/{project}/trash?with_size=true"))[:1]
        assert entry["size"] == told["freed"]
        assert (await app.send("DELETE", f"{BASE}/trash/{entry['id']}", headers=admin.basic)).status < 300
        assert before - await held(app, project) == told["freed"]


async def test_what_a_live_index_needs_stays_though_its_subject_goes(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    for data in (b"{}", b"layer"):
        await repo.blob(data)
    main, digest = image(n="main"), digest_of(image(n="main"))
    assert (await repo.put("main", main)).status == 201
    note, other = image(subject=subject(main)), image(n="2", subject=subject(main))
    for one in (note, other):
        assert (await repo.put(digest_of(one), one)).status == 201
    assert (await repo.put("all", index(note))).status == 201
    told = await preview(app, admin, project, digest)
    assert {one["digest"] for one in told["artifacts"]} == {digest, digest_of(other)}
    assert (await app.send("DELETE", at(project, "app", f"/artifacts/{digest}"), headers=admin.basic)).status == 200
    assert await live(app, project) == {digest_of(note), digest_of(index(note))}
    assert (await repo.get(f"manifests/{digest_of(note)}")).status == 200

    (entry,) = await get(app, admin, f"{BASE}/projects/{project}/trash")
    purged = await app.send("DELETE", f"{BASE}/trash/{entry['id']}", headers=admin.basic)
    assert purged.json()["finished"]  # it waited for ever for what the index needs

    # an index that goes itself needs nothing: here it refers to the same subject
    assert (await repo.put("main", main)).status == 201
    both = index(other, subject=subject(main))
    for one in (other, both):
        assert (await repo.put(digest_of(one), one)).status == 201
    told = await preview(app, admin, project, digest)
    assert (told["accessory_count"], told["child_count"]) in {(2, 0), (1, 1)}
    assert (await app.send("DELETE", at(project, "app", f"/artifacts/{digest}"), headers=admin.basic)).status == 200
    assert await live(app, project) == {digest_of(note), digest_of(index(note))}


async def test_a_rule_that_keeps_a_tag_is_named(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    digest = await repo.image("v1", "v2", "latest", config=config_of())
    assert (await preview(app, admin, project, "latest"))["allowed"]
    rule = await keep(app, project, "v*")
    told = await preview(app, admin, project, digest)
    assert (told["allowed"], told["refused_count"]) == (False, 2)
    assert told["refused"][0] == {
        "reason": "TAG_IMMUTABLE", "tag": "v1", "rule": rule, "pattern": "v*", "index": None, "artifact": None,
    }  # fmt: skip
    assert (told["tags"], told["tag_count"]) == (["latest", "v1", "v2"], 3)
    assert (told["trash_days"], told["artifact_count"]) == (7, 1)
    told = await preview_tags(app, admin, project, "latest", "v2", "none")
    assert [one["tag"] for one in told["refused"]] == ["v2"]
    assert (told["tags"], told["unknown"], told["untagged_count"]) == (["latest", "v2"], ["none"], 0)
    assert (await preview_tags(app, admin, project, "latest"))["allowed"]
    told = await get(app, admin, at(project, "app", "/deletion"))
    assert (told["allowed"], told["refused_count"], told["repository_count"]) == (False, 2, 1)


async def test_of_tags_it_tells_what_loses_its_last_one(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    layer, config = unique("layer").encode(), config_of()
    first = await repo.image("v1", "v1.0", layers=[layer], config=config)
    await repo.image("v2", "latest", layers=[layer], config=config_of())
    signed = image(config, [layer], subject=subject(image(config, [layer])))
    assert (await repo.put(digest_of(signed), signed)).status == 201

    told = await preview_tags(app, admin, project, "v1", "latest", "v1.0")
    assert (told["tag_count"], told["untagged_count"], told["artifact_count"]) == (3, 1, 0)
    assert [(one["digest"], one["why"]) for one in told["artifacts"]] == [(first, "untagged")]
    assert told["freed"] == len(encode(image(config, [layer]))) + len(encode(signed)) + len(config)
    assert told["shared"] == len(layer)
    told = await preview_tags(app, admin, project, "v1")
    assert (told["untagged_count"], told["freed"]) == (0, 0)

    # what an index holds cannot be deleted by itself, with or without tags
    made = index(image(config, [layer]))
    assert (await repo.put("all", made)).status == 201
    told = await preview_tags(app, admin, project, "v1", "v1.0")
    assert (told["untagged_count"], told["freed"]) == (1, 0)


async def test_where_too_much_hangs_on_something_it_is_not_measured(
    app: Server, admin: Client, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = admin.repo(f"{project}/app")
    for data in (b"{}", b"layer"):
        await repo.blob(data)
    main = image(n="main")
    for reference, one in (
        ("v1", main),
        ("a", image(n="1", subject=subject(main))),
        ("b", image(subject=subject(main))),
    ):
        assert (await repo.put(reference, one)).status == 201
    for limit, status in ((3, 200), (2, 400)):
        monkeypatch.setattr(deletion_closure, "MAX_MEMBERS", limit)
        answers = [
            await app.send("GET", at(project, "app", "/artifacts/v1/deletion"), headers=admin.basic),
            await post(app, admin, at(project, "app", "/tags/deletion"), {"tags": ["v1"]}),
            await post(app, admin, at(project, "app", "/storage"), {"references": ["v1"]}),
        ]
        assert [answer.status for answer in answers] == [status] * 3


async def test_a_repository_and_a_project(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    config = encode({})
    for data in (config, b"layer"):
        await repo.blob(data)
    child = image(config)
    assert (await repo.put(digest_of(child), child)).status == 201
    made = index(child)
    assert (await repo.put("v1", made)).status == 201
    signed = image(config, [], subject=subject(made))
    assert (await repo.put(digest_of(signed), signed)).status == 201
    await admin.repo(f"{project}/web").image("v1", config=config_of(), layers=[b"layer"])
    told = await get(app, admin, at(project, "app", "/deletion"))
    assert told["allowed"]
    assert (told["artifact_count"], told["accessory_count"], told["child_count"]) == (1, 1, 1)
    assert (told["tags"], told["artifacts"], told["repository_count"]) == (["v1"], [], 1)
    sizes = await get(app, admin, at(project, "app", "/storage"))
    assert (told["freed"], told["shared"]) == (sizes["own"], sizes["shared"])
    assert told["shared"] == len(b"layer")

    told = await get(app, admin, f"{BASE}/projects/{project}/deletion")
    assert (told["allowed"], told["refused"][0]["reason"], told["repository_count"]) == (False, "PROJECT_NOT_EMPTY", 2)
    whole = await get(app, admin, f"{BASE}/projects/{project}/storage")
    assert told["freed"] == whole["held"]
    for name in ("app", "web"):
        assert (await app.send("DELETE", at(project, name), headers=admin.basic)).status == 200
    told = await get(app, admin, f"{BASE}/projects/{project}/deletion")
    assert (told["allowed"], told["repository_count"], told["freed"]) == (True, 0, whole["held"])


async def test_the_trash_tells_what_each_purge_gives_back(app: Server, admin: Client) -> None:
    project, gone = await make_project(app), await make_project(app)
    shared, own = unique("shared").encode(), unique("own").encode()
    configs = [config_of() for _ in range(4)]
    repo = admin.repo(f"{project}/app")
    await repo.image("v1", layers=[shared, own], config=configs[0])
    await repo.image("v2", layers=[shared], config=configs[1])
    await repo.image("v3", layers=[b"layer"], config=configs[3])
    await admin.repo(f"{project}/web").image("v1", layers=[own], config=configs[2])
    manifests = [len(encode(image(configs[0], [shared, own]))), len(encode(image(configs[1], [shared])))]
    web = await get(app, admin, at(project, "web", "/storage"))
    for path in (
        at(project, "app", "/artifacts/v1"), at(project, "app", "/artifacts/v2"), at(project, "web"),
        at(project, "app", "/artifacts/v3/tags/v3"),
    ):  # fmt: skip
        assert (await app.send("DELETE", path, headers=admin.basic)).status == 200
    await admin.repo(f"{gone}/app").image("v1", config=config_of())
    for path in (at(gone, "app"), f"{BASE}/projects/{gone}"):
        assert (await app.send("DELETE", path, headers=admin.basic)).status == 200

    tag, repository, second, first = await get(app, admin, f"{BASE}/projects/{project}/trash?with_size=true")
    assert (tag["kind"], tag["size"]) == ("tag", 0)
    assert (repository["kind"], repository["size"]) == ("repository", web["own"])
    # what two acts share comes back with the second of them only
    assert first["size"] == manifests[0] + len(configs[0])
    assert second["size"] == manifests[1] + len(configs[1])
    assert (await app.send("DELETE", f"{BASE}/trash/{first['id']}", headers=admin.basic)).status == 200
    again = await get(app, admin, f"{BASE}/trash/{second['id']}?with_size=true")
    assert again["size"] == second["size"] + len(shared)
    assert (await get(app, admin, f"{BASE}/trash/{second['id']}"))["size"] is None

    ((number,),) = await app.rows("SELECT id FROM project WHERE name = :name", name=gone)
    held = await app.rows("SELECT sum(used_bytes) FROM quota_slot WHERE project_id = :p", p=number)
    listed = await get(app, admin, f"{BASE}/trash?with_size=true&q=project_id={number}")
    assert {one["kind"]: one["size"] for one in listed}["project"] == int(held[0][0]) > 0


async def test_sizes_in_the_trash_take_as_many_statements_for_many_as_for_one(
    app: Server, admin: Client, project: str
) -> None:
    repo = admin.repo(f"{project}/app")
    path = f"{BASE}/projects/{project}/trash?with_size=true&page_size=100"
    counts = []
    for number in (1, 9, 90):
        for one in range(number):
            digest = await repo.image(layers=[f"{number} {one}".encode()])
            await app.send("DELETE", at(project, "app", f"/artifacts/{digest}"), headers=admin.basic)
        with counting() as statements:
            assert all(entry["size"] for entry in await get(app, admin, path))
        counts.append(len(statements))
    assert counts == [5, 5, 5]


async def test_the_number_of_statements_is_constant(app: Server, admin: Client) -> None:
    counts: dict[str, set[int]] = {}
    for number in (1, 10, 100):
        project = await make_project(app)
        await keep(app, project, "kept*")
        repo = admin.repo(f"{project}/app")
        config = config_of()
        for data in (config, b"layer"):
            await repo.blob(data)
        children = [image(config, n=str(one)) for one in range(number)]
        for one, child in enumerate(children):
            assert (await repo.put(digest_of(child), child)).status == 201
            signed = image(config, n=str(one), subject=subject(child))
            assert (await repo.put(f"s{one}", signed)).status == 201
        assert (await repo.put("v1", index(*children))).status == 201
        tags = [f"s{one}" for one in range(number)]
        asks: dict[str, Callable[[], Awaitable[Any]]] = {
            "artifact": partial(preview, app, admin, project, "v1"),
            "tags": partial(preview_tags, app, admin, project, *tags),
            "repository": partial(get, app, admin, at(project, "app", "/deletion")),
            "project": partial(get, app, admin, f"{BASE}/projects/{project}/deletion"),
        }
        for name, ask in asks.items():
            with counting() as statements:
                told = await ask()
            assert name != "artifact" or told["child_count"] == told["accessory_count"] == number
            counts.setdefault(name, set()).add(len(statements))
    assert all(len(found) == 1 for found in counts.values()), counts
    assert max(map(max, counts.values())) <= 12, counts


@pytest.mark.parametrize("seed", range(6))
async def test_what_is_told_of_several_is_what_goes_with_them(app: Server, admin: Client, seed: int) -> None:
    """One after the other as they were asked about, and what an index needed again after that."""
    chance = random.Random(100 + seed)
    project = await make_project(app)
    repo = admin.repo(f"{project}/app")
    await push_tangle(repo, chance)
    here = await live(app, project)
    asked = chance.sample(sorted(here), min(5, len(here)))
    told = await preview_several(app, admin, project, *asked)
    before, tags = await held(app, project), await repo.listed()

    stays = {one["artifact"] for one in told["refused"]}
    left = list(asked)
    while True:
        done = {
            one: (await app.send("DELETE", at(project, "app", f"/artifacts/{one}"), headers=admin.basic)).status
            for one in left
        }
        assert set(done.values()) <= {200, 404, 412}
        left = [one for one in left if done[one] == 412]
        if 200 not in done.values():
            break

    gone = here - await live(app, project)
    assert set(left) == stays
    assert told["allowed"] == (not stays)
    assert {one["digest"] for one in told["artifacts"]} == gone
    assert told["artifact_count"] + told["accessory_count"] + told["child_count"] == len(gone)
    assert set(told["tags"]) == set(tags) - set(await repo.listed())
    for entry in await get(app, admin, f"{BASE}/projects/{project}/trash"):
        assert (await app.send("DELETE", f"{BASE}/trash/{entry['id']}", headers=admin.basic)).status < 300
    assert before - await held(app, project) == told["freed"]


async def test_of_several_those_with_an_immutable_tag_stay(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    digests = {tag: await repo.image(tag, config=config_of()) for tag in ("v1", "v2", "dev")}
    await keep(app, project, "v*")

    told = await preview_several(app, admin, project, *digests.values(), "none")

    assert not told["allowed"]
    assert {(one["artifact"], one["tag"], one["pattern"]) for one in told["refused"]} == {
        (digests["v1"], "v1", "v*"), (digests["v2"], "v2", "v*"),
    }  # fmt: skip
    assert ([one["digest"] for one in told["artifacts"]], told["tags"]) == ([digests["dev"]], ["dev"])
    assert told["unknown"] == ["none"]
    refused: tuple[object, ...] = ({"references": []}, {"references": ["x"] * 1001}, {"tags": ["x"]}, {})
    for wrong in refused:
        assert (await post(app, admin, at(project, "app", "/deletion"), wrong)).status in {400, 422}


async def test_who_may_ask(app: Server, admin: Client, project: str) -> None:
    await admin.repo(f"{project}/app").image("v1", config=config_of())
    people = {role: await make_user(app, {project: role}) for role in (Role.DEVELOPER, Role.MAINTAINER)}
    people[Role.PROJECT_ADMIN] = await make_user(app, {project: Role.PROJECT_ADMIN})
    others = (people[Role.DEVELOPER], await make_user(app), await make_robot(app, project, "pull", "push"))
    asked: list[tuple[str, str, bytes, Role]] = [
        ("GET", at(project, "app", "/artifacts/v1/deletion"), b"", Role.MAINTAINER),
        ("POST", at(project, "app", "/tags/deletion"), encode({"tags": ["v1"]}), Role.MAINTAINER),
        ("POST", at(project, "app", "/deletion"), encode({"references": ["v1"]}), Role.MAINTAINER),
        ("GET", at(project, "app", "/deletion"), b"", Role.MAINTAINER),
        ("GET", f"{BASE}/projects/{project}/deletion", b"", Role.PROJECT_ADMIN),
    ]
    for method, path, body, least in asked:
        headers = JSON if body else {}
        assert (await app.send(method, path, body, headers=headers)).status == 401
        for who in others:
            assert (await app.send(method, path, body, headers={**who.basic, **headers})).status == 403
        for role in (Role.MAINTAINER, Role.PROJECT_ADMIN):
            answer = await app.send(method, path, body, headers={**people[role].basic, **headers})
            assert answer.status == (403 if least is Role.PROJECT_ADMIN and role is Role.MAINTAINER else 200)
    for path in ("/artifacts/none/deletion", "/artifacts/sha256:" + "0" * 64 + "/deletion"):
        assert (await app.send("GET", at(project, "app", path), headers=admin.basic)).status == 404
    assert (await app.send("GET", at(project, "none", "/deletion"), headers=admin.basic)).status == 404
    refused: tuple[object, ...] = ({"tags": []}, {"tags": ["x"] * 1001}, {"names": ["x"]}, {})
    for wrong in refused:
        assert (await post(app, admin, at(project, "app", "/tags/deletion"), wrong)).status in {400, 422}
    assert await live(app, project)
