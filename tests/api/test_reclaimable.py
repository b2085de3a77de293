"""How much garbage collection would bring back, and what holds the rest: told apart, each byte once."""

from typing import Any

from tests.api.client import Client, Repo, Server
from tests.api.conftest import Pushed, unique
from tests.api.test_labels_api import ask


async def told(app: Server, who: Client) -> dict[str, Any]:
    """What the server says now."""
    answer = await ask(app, who, "GET", "/system/gc/reclaimable")
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json()
    return found


async def test_leases_uploads_and_the_trash_are_told_apart(
    app: Server, admin: Client, repo: Repo, pushed: Pushed
) -> None:
    await pushed("v0")
    before = await told(app, admin)
    layer = unique("layer").encode() * 50
    await repo.blob(layer)
    after = await told(app, admin)
    assert after["leased_blobs"] - before["leased_blobs"] == 1
    assert after["leased_bytes"] - before["leased_bytes"] == len(layer)

    digest = await repo.image("v1", layers=[layer])  # an artifact needs it now: no lease has to hold it
    named = await told(app, admin)
    assert named["leased_bytes"] == before["leased_bytes"]
    assert named["trash_entries"] == before["trash_entries"]

    assert (await repo.open()).status == 202
    assert (await repo.delete(f"manifests/{digest}")).status == 202
    deleted = await told(app, admin)
    assert deleted["uploads"] == before["uploads"] + 1
    assert deleted["trash_entries"] == before["trash_entries"] + 1
    assert deleted["trash_bytes"] - before["trash_bytes"] >= len(layer)
    assert deleted["trash_until"] != ""
    assert deleted["bytes"] == before["bytes"]  # nothing of it can go yet
