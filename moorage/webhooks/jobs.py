"""The job that sends a delivery to its target."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

from moorage import failpoints
from moorage.errors import Problem
from moorage.jobs.queue import GiveUp, RetryLater, job
from moorage.jobs.task_context import Task
from moorage.remotes.address_policy import parse_target
from moorage.webhooks import deliveries
from moorage.webhooks.deliveries import Delivery
from moorage.webhooks.payload import make_message, sign
from moorage.webhooks.service import Policy, open_secrets

SECONDS = 10.0
"""How long a target may take, from the connection to the end of its reply."""
MAX_REPLY_BYTES = 64 * 1024
KEPT_BYTES = 4_096
"""How much of a body the log of deliveries keeps."""
MAX_WAIT_SECONDS = 3_600.0


# For an hour and a half; and targets that do not answer leave room for other work.
@job(deliveries.JOB, retries=12, timeout_seconds=3 * SECONDS, limit=4, delay_seconds=5, longest_delay_seconds=900)
async def deliver(task: Task, *, delivery_id: int) -> None:
    """Send a delivery. Repeats carry the same event id, so that targets can recognise them."""
    found = await task.look(deliveries.find_delivery, delivery_id)
    if found is None:
        raise GiveUp("The policy is gone, or its project is in the trash.")
    delivery, policy = found
    if not policy.enabled or delivery.target >= len(policy.targets):
        raise GiveUp("The policy was disabled, or this target was taken out of it.")
    attempt, status, wait = await _send(task, delivery, policy)
    failpoints.point("webhook.told")
    task.log(f"attempt {task.attempt}: {attempt['error'] or status}, {attempt['milliseconds']} ms")
    await task.run(deliveries.note_attempt, delivery_id, attempt)
    if 200 <= status < 300:
        return
    if wait is not None:
        raise RetryLater(f"The target answered {status}, and asked to wait.", after_seconds=wait)
    raise RetryLater(str(attempt["error"] or f"The target answered {status}."))


async def _send(task: Task, delivery: Delivery, policy: Policy) -> tuple[dict[str, Any], int, float | None]:
    """One request: what the log keeps of it, its status (0: none), and how long the target asks to wait."""
    target = policy.targets[delivery.target]
    source = f"/projects/{policy.project_id}/webhook/policies/{policy.id}"
    message = make_message(
        delivery.fact, delivery.event_id, kind=target.type, form=target.payload_format, source=source
    )
    secrets = open_secrets(policy, task.parts.seals)
    headers = message.headers | sign(message, delivery.event_id, secrets.signing_key, int(time.time()))
    authorization = secrets.auth_headers[delivery.target] if delivery.target < len(secrets.auth_headers) else ""
    began = time.monotonic()
    attempt: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"), "status": 0, "error": "",
        "request": {"url": target.address, "headers": headers, "body": _shown(message.body)},
        "response": {"headers": {}, "body": ""},
    }  # fmt: skip
    status, wait = 0, None
    place = parse_target(target.address)
    granted = [(place.host, place.port)] if policy.trusted else []
    session = task.parts.outgoing.session("project", verify=not target.skip_cert_verify, granted=granted)
    try:
        async with asyncio.timeout(2 * SECONDS), session:
            answer = await session.send(
                "POST", target.address, headers=headers, body=message.body, max_bytes=MAX_REPLY_BYTES,
                credentials={"authorization": authorization} if authorization else None, seconds=SECONDS, redirects=0,
            )  # fmt: skip
        status, wait = answer.status, _wait(answer.status, answer.headers.get("retry-after", ""))
        attempt["status"] = status
        attempt["response"] = {"headers": dict(list(answer.headers.items())[:40]), "body": _shown(answer.body)}
    except Problem as problem:
        attempt["error"] = str(problem)
    except TimeoutError:
        attempt["error"] = "There was no answer in time."
    attempt["milliseconds"] = round((time.monotonic() - began) * 1000)
    return attempt, status, wait


def _wait(status: int, text: str) -> float | None:
    if status not in {429, 503} or not (text.isascii() and text.isdigit()) or len(text) > 9:
        return None
    return min(float(text), MAX_WAIT_SECONDS)


def _shown(body: bytes) -> str:
    """A body for people. NUL cannot be kept by PostgreSQL."""
    return body[:KEPT_BYTES].decode("utf-8", "replace").replace("\0", "\ufffd")
