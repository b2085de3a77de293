"""Endpoints of other registries through the REST API: who may, what is kept, and where a secret may go."""

import asyncio
import base64
import os
import re
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import text, update

from moorage.db.unit_of_work import Work
from moorage.registries import service
from moorage.registries.adapters import list_adapters
from moorage.registries.adapters.base import NOT_PROVEN
from moorage.registries.health import check_registries, check_stale
from moorage.registries.tables import Registry
from moorage.remotes.http_client import Outgoing
from moorage.robots import accounts
from moorage.secret_encryption import SealBroken, Seals, create_seal_key
from tests.api.client import Answer, Client, Server, encode
from tests.api.conftest import make_project, unique
from tests.commands import make_certificate
from tests.fakes.scripted import Heard, Say, Scripted, scripted

BASE = "/api/v2.0"
SECRET = "Upstr3am-secret"


async def ask(app: Server, who: Client, method: str, path: str, body: object = None) -> Answer:
    """A request, with a JSON body when there is one."""
    raw = b"" if body is None else encode(body)  # type: ignore[arg-type]
    return await app.send(method, BASE + path, raw, headers={**who.basic, "content-type": "application/json"})


def registry(heard: Heard) -> Say:
    """A registry that takes one password."""
    if heard.path == "/v2/" and heard.credentials == "":
        return Say(401, headers={"www-authenticate": "Basic realm=x"})
    return Say(200 if SECRET in _password(heard) else 401)


def _password(heard: Heard) -> str:
    return base64.b64decode(heard.credentials.partition(" ")[2] or "").decode()


@pytest_asyncio.fixture(loop_scope="session")
async def upstream() -> AsyncIterator[Scripted]:
    async with scripted(registry) as server:
        yield server


def body_of(upstream: Scripted, **more: object) -> dict[str, Any]:
    return {
        "name": unique("registry"), "type": "docker-registry", "url": upstream.url, "insecure": False,
        "credential": {"type": "basic", "access_key": "robot", "access_secret": SECRET}, **more,
    }  # fmt: skip


async def make(app: Server, who: Client, upstream: Scripted, **more: object) -> int:
    answer = await ask(app, who, "POST", "/registries", body_of(upstream, **more))
    assert (answer.status, answer.body) == (201, b""), answer
    return int(answer.location.rpartition("/")[2])


def logins(upstream: Scripted) -> int:
    """How often the secret arrived."""
    return sum(1 for one in upstream.heard if SECRET in _password(one))


async def test_an_endpoint_is_made_shown_changed_and_deleted(app: Server, admin: Client, upstream: Scripted) -> None:
    made = await make(app, admin, upstream, description="of others")
    shown = (await ask(app, admin, "GET", f"/registries/{made}")).json()
    assert shown["credential"] == {"type": "basic", "access_key": "robot", "access_secret": "*****"}
    assert {key: shown[key] for key in ("id", "url", "type", "insecure", "description", "status")} == {
        "id": made, "url": upstream.url, "type": "docker-registry", "insecure": False, "description": "of others",
        "status": "healthy",
    }  # fmt: skip
    name = shown["name"]
    listed = await ask(app, admin, "GET", f"/registries?q=name%3D{name}")
    assert (listed.json(), listed.header("x-total-count")) == ([shown], "1")
    assert (await ask(app, admin, "GET", f"/registries?name={name[2:]}")).json() == [shown]

    asked = len(upstream.heard)
    assert (await ask(app, admin, "PUT", f"/registries/{made}", {"description": "mine"})).status == 200
    assert len(upstream.heard) == asked  # words need no look
    change = {"name": f"{name}-2", "access_key": "other", "access_secret": "*****"}
    assert (await ask(app, admin, "PUT", f"/registries/{made}", change)).status == 200
    after = (await ask(app, admin, "GET", f"/registries/{made}")).json()
    assert (after["name"], after["description"], after["credential"]["access_key"]) == (f"{name}-2", "mine", "other")
    assert upstream.heard[-1].credentials != ""
    assert SECRET in _password(upstream.heard[-1])  # the stored one went along

    assert (await ask(app, admin, "DELETE", f"/registries/{made}")).status == 200
    for method in ("GET", "DELETE"):
        assert (await ask(app, admin, method, f"/registries/{made}")).status == 404
    rows = await app.rows("SELECT operation, detail FROM audit WHERE resource LIKE :n", n=f"{name}%")
    assert sorted(one[0] for one in rows) == ["create", "delete", "update", "update"]
    assert SECRET not in str(rows)


async def test_a_secret_is_sealed_for_its_row(app: Server, admin: Client, upstream: Scripted) -> None:
    made, other = await make(app, admin, upstream), await make(app, admin, upstream)
    ((sealed,),) = await app.rows("SELECT sealed_secret FROM registry WHERE id = :n", n=made)
    assert SECRET.encode() not in bytes(sealed)
    seals = Seals(app.settings.seal_key_folder)
    row = await app.run(service.get_registry, made)
    assert service.endpoint_of(row, seals).password.reveal() == SECRET

    def steal(work: Work) -> None:
        work.db.execute(text("UPDATE registry SET sealed_secret = :s WHERE id = :n"), {"s": bytes(sealed), "n": other})

    await app.run(steal)
    stolen = await app.run(service.get_registry, other)
    with pytest.raises(SealBroken):
        service.endpoint_of(stolen, seals)
    asked = len(upstream.heard)
    for method, path, body in (
        ("POST", "/registries/ping", {"id": other}),
        ("PUT", f"/registries/{other}", {"access_key": "robot2"}),
    ):
        answer = await ask(app, admin, method, path, body)
        assert (answer.status, "give it again" in answer.body.decode()) == (400, True)
    assert len(upstream.heard) == asked
    assert (await ask(app, admin, "PUT", f"/registries/{other}", {"access_secret": SECRET})).status == 200
    assert SECRET not in repr(service.endpoint_of(row, seals))


async def test_a_secret_moves_to_the_newest_key_by_itself(
    app: Server, admin: Client, upstream: Scripted, tmp_path: Path
) -> None:
    made = await make(app, admin, upstream)
    folder = tmp_path / "seal"
    shutil.copytree(app.settings.seal_key_folder, folder)
    seals = Seals(folder)
    first = await app.run(service.get_registry, made)
    old = next(folder.glob("*.key"))
    os.utime(old, (1, 1))
    create_seal_key(folder)
    seals.reload()

    assert first.sealed_secret is not None
    assert not seals.is_current(first.sealed_secret)
    await check_registries(Outgoing(), app.database, seals, [first])
    second = await app.run(service.get_registry, made)
    assert second.sealed_secret is not None
    assert seals.is_current(second.sealed_secret)
    assert service.endpoint_of(second, seals).password.reveal() == SECRET
    # What was resealed meanwhile, or given anew, is left alone.
    await app.run(service.reseal, first, seals)
    assert (await app.run(service.get_registry, made)).sealed_secret == second.sealed_secret


async def test_a_stored_secret_goes_nowhere_else(app: Server, admin: Client, upstream: Scripted) -> None:
    made = await make(app, admin, upstream)
    async with scripted(registry) as thief:
        for path, body in (
            (f"/registries/{made}", {"url": thief.url}),
            ("/registries/ping", {"id": made, "url": thief.url}),
        ):
            method = "PUT" if path.endswith(str(made)) else "POST"
            answer = await ask(app, admin, method, path, body)
            assert (answer.status, answer.code) == (400, "BAD_REQUEST"), (path, answer)
        assert logins(thief) == 0
        moved = {"url": thief.url, "access_secret": SECRET}
        assert (await ask(app, admin, "PUT", f"/registries/{made}", moved)).status == 200
        assert logins(thief) == 1
    # Neither with an unchecked certificate.
    before = await app.run(service.get_registry, made)
    draft = service.draft_of(before)
    assert service.is_elsewhere(before, msgspec.structs.replace(draft, insecure=True))
    assert service.is_elsewhere(before, msgspec.structs.replace(draft, token_hosts=("evil.example",)))
    assert not service.is_elsewhere(before, msgspec.structs.replace(draft, url=draft.url + "/path"))


async def test_ping_tells_what_is_wrong_to_an_administrator(app: Server, admin: Client, upstream: Scripted) -> None:
    made = await make(app, admin, upstream)
    good = {"type": "docker-registry", "url": upstream.url, "access_key": "robot", "access_secret": SECRET}
    for body in (good, {"id": made}, {"id": made, "access_key": "robot"}):
        assert (await ask(app, admin, "POST", "/registries/ping", body)).status == 200, body
    cases: list[tuple[dict[str, Any], str]] = [
        ({**good, "access_secret": "wrong"}, "refuses the credentials"),
        ({**good, "url": "http://127.0.0.1:1"}, "cannot be reached"),
        ({**good, "type": "nothing"}, "no type of registry"),
        ({**good, "url": "ftp://127.0.0.1"}, "http://"),
        ({**good, "url": "http://169.254.169.254"}, "may not connect"),
        ({**good, "url": "http://user:pass@127.0.0.1"}, "user name"),
        ({**good, "ca_certificate": "no"}, "not PEM"),
        ({**good, "token_hosts": ["a/b"]}, "token host"),
        ({**good, "access_key": "a\r\nb"}, "access key"),
        ({}, "no type of registry"),
    ]
    for body, word in cases:
        answer = await ask(app, admin, "POST", "/registries/ping", body)
        assert (answer.status, answer.code) == (400, "BAD_REQUEST"), (body, answer)
        assert word in answer.json()["errors"][0]["message"], answer
        assert SECRET not in answer.body.decode()
    for change, which in (
        ({"access_secret": "wrong"}, "REMOTE_DENIED"),
        ({"url": "http://127.0.0.1:1"}, "CONNECT_REFUSED"),
        ({"url": "http://no-such-host.invalid"}, "CONNECT_HOST_UNKNOWN"),
    ):
        answer = await ask(app, admin, "POST", "/registries/ping", {**good, **change})
        detail = answer.json()["errors"][0]["detail"]
        assert (detail["reason"], detail["which"]) == ("REGISTRY_UNHEALTHY", which)
    assert (await ask(app, admin, "POST", "/registries/ping", {"id": 2**62})).status == 404
    assert (await ask(app, admin, "POST", "/registries/ping", {"id": 2**63})).status == 404


async def test_what_does_not_answer_is_not_saved(app: Server, admin: Client, upstream: Scripted) -> None:
    bad = body_of(upstream, url="http://127.0.0.1:1")
    assert (await ask(app, admin, "POST", "/registries", bad)).status == 400
    assert (await ask(app, admin, "GET", f"/registries?name={bad['name']}")).json() == []
    for change in ({"name": ""}, {"name": "a\nb"}, {"name": "x" * 256}, {"type": ""}, {"url": ""}, {"url": "x"}):
        answer = await ask(app, admin, "POST", "/registries", body_of(upstream, **change))
        assert answer.status == 400, change
    body = body_of(upstream)
    answers = await asyncio.gather(*(ask(app, admin, "POST", "/registries", body) for _ in range(6)))
    assert sorted(one.status for one in answers) == [201] + [409] * 5
    other = await make(app, admin, upstream)
    assert (await ask(app, admin, "PUT", f"/registries/{other}", {"name": body["name"]})).status == 409


async def test_only_an_administrator_opens_doors(app: Server, admin: Client, upstream: Scripted, tmp_path: Any) -> None:
    may = [
        accounts.Permission("registry", action, None, system=True)
        for action in ("create", "read", "update", "delete", "list")
    ]
    robot_row = await app.run(accounts.create_robot, unique("robot"), may)
    robot = Client(app, f"robot${robot_row.name}", robot_row.secret, robot_row.id)
    asked = len(upstream.heard)
    inside = await ask(app, robot, "POST", "/registries", body_of(upstream))
    assert (inside.status, inside.code) == (400, "BAD_REQUEST")
    assert len(upstream.heard) == asked  # the robot's wish leads to public addresses only
    made = await make(app, admin, upstream)
    ca = make_certificate(tmp_path).chain.read_text()
    for change in ({"insecure": True}, {"ca_certificate": ca}, {"token_hosts": ["evil.example"]}):
        assert (await ask(app, robot, "PUT", f"/registries/{made}", change)).status == 403, change
        assert (await ask(app, robot, "POST", "/registries/ping", {"id": made, **change})).status == 403, change
        assert (await ask(app, robot, "POST", "/registries", body_of(upstream, **change))).status == 403, change
    assert (await ask(app, robot, "PUT", f"/registries/{made}", {"description": "by a robot"})).status == 200
    assert (await ask(app, robot, "POST", "/registries/ping", {"id": made})).status == 200
    moved = {"url": upstream.url + "/elsewhere", "access_secret": SECRET}
    assert (await ask(app, robot, "PUT", f"/registries/{made}", moved)).status == 400
    assert (
        await ask(app, admin, "PUT", f"/registries/{made}", {"insecure": True, "access_secret": SECRET})
    ).status == 200


async def test_an_endpoint_in_use_stays(app: Server, admin: Client, upstream: Scripted) -> None:
    made = await make(app, admin, upstream)
    project = await make_project(app)

    def use(work: Work) -> None:
        work.db.execute(text("UPDATE project SET registry_id = :r WHERE name = :n"), {"r": made, "n": project})

    await app.run(use)
    answer = await ask(app, admin, "DELETE", f"/registries/{made}")
    assert (answer.status, answer.code) == (412, "PRECONDITION")
    assert (await ask(app, admin, "GET", f"/registries/{made}")).status == 200


async def test_health_is_looked_at_and_noted(app: Server, admin: Client, upstream: Scripted) -> None:
    made = await make(app, admin, upstream)
    seals, works = Seals(app.settings.seal_key_folder), upstream.script
    row = await app.run(service.get_registry, made)
    upstream.script = lambda _heard: Say(500)
    assert await check_registries(Outgoing(), app.database, seals, [row]) == 1
    shown = (await ask(app, admin, "GET", f"/registries/{made}")).json()
    assert shown["status"] == "unhealthy"
    assert "500" in shown["status_reason"]
    assert shown["latency"] >= 0
    upstream.script = works
    assert await check_registries(Outgoing(), app.database, seals, [row]) == 0
    after = (await ask(app, admin, "GET", f"/registries/{made}")).json()
    assert (after["status"], "status_reason" in after) == ("healthy", False)
    assert after["status_time"] > shown["status_time"]
    assert await check_registries(Outgoing(), app.database, seals, [row]) == 0
    again = (await ask(app, admin, "GET", f"/registries/{made}")).json()
    assert again["status_time"] == after["status_time"]  # it is so since then
    # What was looked at before a change says nothing of what is there now.
    assert (await ask(app, admin, "PUT", f"/registries/{made}", {"description": "newer"})).status == 200
    await app.run(service.note_health, row, "it was away")
    assert (await app.run(service.get_registry, made)).status == "healthy"


async def test_what_nobody_looked_at_for_long_is_looked_at_by_one(
    app: Server, admin: Client, upstream: Scripted
) -> None:
    made = await make(app, admin, upstream)
    seals = Seals(app.settings.seal_key_folder)

    def grow_old(work: Work) -> None:
        old = work.now - timedelta(seconds=301)
        work.db.execute(update(Registry).where(Registry.id == made).values(checked_at=old))

    await check_stale(Outgoing(), app.database, seals)
    assert await check_stale(Outgoing(), app.database, seals) == 0
    await app.run(grow_old)
    before = logins(upstream)
    found = await asyncio.gather(*(check_stale(Outgoing(), app.database, seals) for _ in range(4)))
    assert sum(found) == 1
    assert logins(upstream) == before + 1


async def test_kinds_say_what_they_can_and_whether_they_are_proven(
    app: Server, admin: Client, upstream: Scripted
) -> None:
    kinds = (await ask(app, admin, "GET", "/replication/adapters")).json()
    infos = (await ask(app, admin, "GET", "/replication/adapterinfos")).json()
    assert kinds == sorted(infos) == list(list_adapters())
    assert set(kinds) >= {"harbor", "docker-registry"}
    for kind, info in infos.items():
        proven = kind in {"harbor", "docker-registry"}
        assert (NOT_PROVEN in info["description"]) is not proven, kind
        assert re.fullmatch("EndpointPatternType(Standard|Fix|List)", info["endpoint_pattern"]["endpoint_type"])
    document = (await ask(app, admin, "GET", "/openapi.json")).json()
    told = document["paths"][f"{BASE}/replication/adapters"]["get"]
    told = f"{told.get('summary')} {told.get('description')}"
    assert "not proven against the service" in told
    assert all(f"`{kind}`" in told for kind in kinds)
    made = await make(app, admin, upstream)
    info = (await ask(app, admin, "GET", f"/registries/{made}/info")).json()
    assert info["supported_triggers"] == ["manual", "scheduled"]
    assert [one["type"] for one in info["supported_resource_filters"]] == ["name", "tag", "resource"]
    local = (await ask(app, admin, "GET", "/registries/0/info")).json()
    assert (local["type"], local["supported_triggers"][-1]) == ("harbor", "event_based")
    assert (await ask(app, admin, "GET", "/registries/999999999/info")).status == 404
