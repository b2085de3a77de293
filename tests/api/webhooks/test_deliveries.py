"""How webhooks tell: in order, again, signed, in every form."""

import asyncio
import base64
import hashlib
import hmac
import json

import pytest
from sqlalchemy import update

from moorage.db.unit_of_work import Work
from moorage.jobs.tables import Execution
from moorage.webhooks.payload import Fact, make_message
from tests.api.client import Client, Server
from tests.api.conftest import Pushed, project_id, unique
from tests.api.test_labels_api import ask
from tests.api.webhooks.conftest import SECRET, body, deliveries, ended, forget, make, well
from tests.api.workers import until, working
from tests.fakes.scripted import Heard, Say, Scripted, scripted
from tests.parts.base import free_port


async def test_a_failing_receiver_is_told_again_in_order_under_the_same_id(
    app: Server, admin: Client, pushed: Pushed, project: str
) -> None:
    failures = iter([Say(500, b"no"), Say(429, b"", {"retry-after": "0"}), Say(302, b"", {"location": "/other"})])

    def script(_: Heard) -> Say:
        return next(failures, Say(204))

    async with scripted(script) as receiver, working(app):
        made = await make(app, admin, project, body(receiver.url))
        for tag in ("a", "b", "c"):
            await pushed(tag)
        told = await ended(app, admin, project, made, 3)

    tags = [json.loads(one.body)["event_data"]["resources"][0]["tag"] for one in receiver.heard]
    assert tags == ["a", "a", "a", "a", "b", "c"]
    assert len({one.headers["webhook-id"] for one in receiver.heard[:4]}) == 1
    assert {one.path for one in receiver.heard} == {"/"}
    assert [attempt["status"] for attempt in told[0]["attempts"]] == [500, 429, 302, 204]


async def test_a_receiver_that_hangs_up_and_comes_back(
    app: Server, admin: Client, pushed: Pushed, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, over = asyncio.Event(), asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        hangs.set()
        await over.wait()
        writer.close()

    port = free_port()
    server = await asyncio.start_server(hang, "127.0.0.1", port)
    made = await make(app, admin, project, body(f"http://127.0.0.1:{port}/"))
    async with working(app):
        with monkeypatch.context() as patch:  # who answers may take its time, and hears it once
            patch.setattr("moorage.webhooks.jobs.SECONDS", 0.3)
            await pushed("v1")
            async with asyncio.timeout(30):
                await hangs.wait()

        async def tried() -> bool:
            (one,) = await deliveries(app, admin, project, made)
            return len(one["attempts"]) >= 1

        await until(tried)
        server.close()
        over.set()
        receiver = Scripted(well)
        back = await asyncio.start_server(receiver.serve, "127.0.0.1", port)
        try:
            (told,) = await ended(app, admin, project, made)
        finally:
            back.close()
    assert told["status"] == "Success"
    assert told["attempts"][0]["error"]
    assert len(receiver.heard) == 1


async def test_it_is_told_again_when_somebody_asks(app: Server, admin: Client, pushed: Pushed, project: str) -> None:
    async with scripted(well) as receiver, working(app):
        made = await make(app, admin, project, body(receiver.url))
        await pushed("v1")
        (told,) = await ended(app, admin, project, made)
        path = f"/projects/{project}/webhook/policies/{made}/deliveries/{told['id']}/redeliver"
        assert (await ask(app, admin, "POST", path)).status == 201
        both = await ended(app, admin, project, made, 2)

    assert [one["event_id"] for one in both] == [told["event_id"]] * 2
    assert len({one.body for one in receiver.heard}) == 1
    written = await app.rows(
        "SELECT operation, resource FROM audit WHERE project_id = :p AND resource_type = 'execution'",
        p=await project_id(app, project),
    )
    assert written == [("create", "WEBHOOK")]
    unknown = await ask(app, admin, "POST", path.replace(f"/{told['id']}/", "/999999/"))
    assert unknown.status == 404


async def test_it_is_signed_with_a_key_that_is_shown_once(
    app: Server, admin: Client, pushed: Pushed, project: str
) -> None:
    async with scripted(well) as receiver, working(app):
        made = await make(app, admin, project, body(receiver.url, target={"auth_header": SECRET}))
        path = f"/projects/{project}/webhook/policies/{made}"
        answer = await ask(app, admin, "POST", f"{path}/signing-key")
        key = answer.json()["key"]
        assert answer.status == 201
        await pushed("v1")
        await ended(app, admin, project, made)

    (heard,) = receiver.heard
    signed = f"{heard.headers['webhook-id']}.{heard.headers['webhook-timestamp']}.".encode() + heard.body
    digest = hmac.digest(base64.b64decode(key.removeprefix("whsec_")), signed, hashlib.sha256)
    assert heard.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert heard.credentials == SECRET
    shown = await ask(app, admin, "GET", path)
    assert shown.json()["signed"] is True
    assert key not in shown.body.decode()


async def test_cloud_events_and_slack(app: Server, admin: Client, pushed: Pushed, project: str) -> None:
    async with scripted(well) as receiver, working(app):
        sent = body(f"{receiver.url}/ce", target={"payload_format": "CloudEvents"})
        sent["targets"].append({"type": "slack", "address": f"{receiver.url}/slack"})
        made = await make(app, admin, project, sent)
        await pushed("v1")
        await ended(app, admin, project, made, 2)

    heard = {one.path: one for one in receiver.heard}
    event = json.loads(heard["/ce"].body)
    assert heard["/ce"].headers["content-type"] == "application/cloudevents+json"
    assert (event["specversion"], event["type"]) == ("1.0", "harbor.artifact.pushed")
    assert event["source"] == f"/projects/{await project_id(app, project)}/webhook/policies/{made}"
    assert event["id"] == heard["/ce"].headers["webhook-id"] == heard["/slack"].headers["webhook-id"]
    assert event["data"]["resources"][0]["tag"] == "v1"
    blocks = json.loads(heard["/slack"].body)["blocks"]
    assert "PUSH_ARTIFACT" in blocks[0]["fields"][0]["text"]


def test_slack_takes_no_text_for_anything_else() -> None:
    fact = Fact("PUSH_ARTIFACT", 0, "<!channel> & ``` x", "", {"tag": "<https://evil.example|x>" * 200})

    message = make_message(fact, "id", kind="slack", form="Default", source="/")

    blocks = json.loads(message.body)["blocks"]
    assert blocks[0]["fields"][2]["text"] == "*operator:* &lt;!channel&gt; &amp; ''' x"
    assert "<" not in blocks[1]["text"]["text"]
    assert blocks[1]["text"]["text"].count("```") == 2


async def test_a_policy_whose_last_delivery_failed_is_failing(
    app: Server, admin: Client, pushed: Pushed, project: str
) -> None:
    async def failing() -> list[int]:
        answer = await ask(app, admin, "GET", f"/projects/{project}/webhook/failing")
        assert answer.status == 200, answer
        assert all(one["failed_time"] for one in answer.json())
        return [one["id"] for one in answer.json()]

    def end(work: Work, policy: int, status: str) -> None:
        of_policy = (Execution.vendor_type == "WEBHOOK", Execution.vendor_id == policy)
        work.db.execute(update(Execution).where(*of_policy, Execution.status == "Running").values(status=status))

    made = await make(app, admin, project, body("http://127.0.0.1:9"))
    assert await failing() == []
    for status, found in (("Error", [made]), ("Success", []), ("Error", [made])):
        await pushed(f"ends-{status}-{len(found)}-{unique('t')}")
        assert await failing() == ([made] if status == "Success" else []), "what has not ended says nothing"
        await app.run(end, made, status)
        assert await failing() == found
    await forget(app, admin, project, made)
    assert await failing() == []
