"""Policies of replication as clients send them, and their runs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from moorage.jobs.queue import Job
from tests.api.client import Answer, Client, Server
from tests.api.conftest import unique
from tests.api.test_labels_api import ask
from tests.api.workers import until
from tests.fakes.scripted import Heard, Say, Scripted, scripted

POLICIES, RUNS = "/replication/policies", "/replication/executions"


def locked(heard: Heard) -> Say:
    """A registry that lets nobody in once it was registered."""
    return Say(200) if heard.path == "/v2/" else Say(403, {"errors": [{"code": "DENIED", "message": "go away"}]})


@pytest_asyncio.fixture(loop_scope="session")
async def upstream() -> AsyncIterator[Scripted]:
    async with scripted(locked) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def registry(app: Server, admin: Client, upstream: Scripted) -> int:
    """An endpoint."""
    return await make_registry(app, admin, upstream.url)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next attempt is made at once."""
    monkeypatch.setattr(Job, "delay", lambda *_: 0.05)


async def make_registry(app: Server, who: Client, url: str, **credential: str) -> int:
    """An endpoint's id."""
    sent = {"name": unique("registry"), "type": "docker-registry", "url": url, "credential": credential}
    answer = await ask(app, who, "POST", "/registries", sent)
    assert answer.status == 201, answer
    return int(answer.location.rpartition("/")[2])


def body(to: int | None = None, *, source: int | None = None, **more: Any) -> dict[str, Any]:
    """A policy, as clients of the contract send it."""
    sent: dict[str, Any] = {"name": unique("rule"), "enabled": True, "override": True, "filters": []}
    sent["dest_registry"] = {"id": to or 0}
    sent["src_registry"] = {"id": source or 0}
    return {**sent, "trigger": {"type": "manual"}, **more}


def only(pattern: str) -> dict[str, str]:
    """A filter by name."""
    return {"type": "name", "value": pattern}


async def make(app: Server, who: Client, sent: dict[str, Any]) -> int:
    """A policy's id."""
    answer = await ask(app, who, "POST", POLICIES, sent)
    assert (answer.status, answer.body) == (201, b""), answer
    return int(answer.location.rpartition("/")[2])


async def begin(app: Server, who: Client, policy: int) -> int:
    """Start a run; its id."""
    answer = await ask(app, who, "POST", RUNS, {"policy_id": policy})
    assert (answer.status, answer.body) == (201, b""), answer
    return int(answer.location.rpartition("/")[2])


async def runs(app: Server, who: Client, policy: int) -> list[dict[str, Any]]:
    """The runs of a policy, the newest first."""
    return list((await ask(app, who, "GET", f"{RUNS}?policy_id={policy}&page_size=100")).json())


async def tasks(app: Server, who: Client, run: int) -> list[dict[str, Any]]:
    """The artifacts of a run."""
    answer = await ask(app, who, "GET", f"{RUNS}/{run}/tasks?page_size=100")
    assert answer.status == 200, answer
    return list(answer.json())


async def ended(app: Server, who: Client, policy: int) -> list[dict[str, Any]]:
    """The runs of a policy, once all of them have ended, with their tasks."""
    async with asyncio.timeout(60):
        while True:
            found = await runs(app, who, policy)
            if found and all(one["status"] != "InProgress" for one in found):
                return [{**one, "tasks": await tasks(app, who, one["id"])} for one in found]
            await asyncio.sleep(0.05)


async def ended_run(app: Server, who: Client, run: int) -> dict[str, Any]:
    """A run, once it has ended."""
    found: dict[str, Any] = {}

    async def holds() -> bool:
        found.update((await ask(app, who, "GET", f"{RUNS}/{run}")).json())
        return bool(found["status"] != "InProgress")

    await until(holds)
    return found


def reason(answer: Answer) -> str:
    """Our finer name of an error."""
    return str(answer.json()["errors"][0]["detail"]["reason"])
