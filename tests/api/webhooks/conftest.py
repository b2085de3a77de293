"""Policies of webhooks as clients send them, and what was told by them."""

from typing import Any

import pytest

from moorage.jobs.queue import Job
from tests.api.client import Answer, Client, Server
from tests.api.conftest import unique
from tests.api.test_labels_api import ask
from tests.api.workers import until
from tests.fakes.scripted import Heard, Say

SECRET = "Bearer very-secret-of-the-receiver"


def body(address: str, *events: str, **more: Any) -> dict[str, Any]:
    """A policy, as clients of the contract send it."""
    target = {"type": "http", "address": address, **more.pop("target", {})}
    return {"name": unique("hook"), "enabled": True, "event_types": list(events) or ["PUSH_ARTIFACT"],
            "targets": [target], **more}  # fmt: skip


async def make(app: Server, who: Client, project: str, sent: dict[str, Any]) -> int:
    """A policy's id."""
    answer = await ask(app, who, "POST", f"/projects/{project}/webhook/policies", sent)
    assert (answer.status, answer.body) == (201, b""), answer
    return int(answer.location.rpartition("/")[2])


async def deliveries(app: Server, who: Client, project: str, policy: int) -> list[dict[str, Any]]:
    """What a policy told, the oldest first."""
    path = f"/projects/{project}/webhook/policies/{policy}/deliveries?sort=id&page_size=100"
    answer = await ask(app, who, "GET", path)
    assert answer.status == 200, answer
    return list(answer.json())


async def ended(app: Server, who: Client, project: str, policy: int, count: int = 1) -> list[dict[str, Any]]:
    """The same, once so many have ended."""
    found: list[dict[str, Any]] = []

    async def holds() -> bool:
        found[:] = await deliveries(app, who, project, policy)
        return len(found) >= count and all(one["status"] != "Running" for one in found)

    await until(holds)
    return found


async def forget(app: Server, who: Client, project: str, policy: int) -> None:
    """Delete a policy whose deliveries nobody takes: the next test has a worker, too."""
    answer = await ask(app, who, "DELETE", f"/projects/{project}/webhook/policies/{policy}")
    assert answer.status == 200, answer


def reason(answer: Answer) -> str:
    """Our finer name of an error."""
    return str(answer.json()["errors"][0]["detail"]["reason"])


def well(_: Heard) -> Say:
    """A receiver that is content."""
    return Say(200, b"thanks")


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next attempt is made at once."""
    monkeypatch.setattr(Job, "delay", lambda *_: 0.05)
