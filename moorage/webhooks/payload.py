"""Build the bodies and headers of each payload format. Pure functions.

Sources: Harbor API v2.0, "Configure Webhook Notifications" (default body); CloudEvents 1.0, "HTTP Protocol Binding",
structured mode; Standard Webhooks 1.0 (ids and signatures); Slack, "Block Kit".
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

HTTP, SLACK = "http", "slack"
DEFAULT, CLOUD_EVENTS = "Default", "CloudEvents"
FORMATS: Mapping[str, tuple[str, ...]] = {HTTP: (DEFAULT, CLOUD_EVENTS), SLACK: (DEFAULT,)}

PUSH, PULL, DELETE, RETENTION = "PUSH_ARTIFACT", "PULL_ARTIFACT", "DELETE_ARTIFACT", "TAG_RETENTION"
EXCEEDED, WARNING = "QUOTA_EXCEED", "QUOTA_WARNING"
REPLICATION = "REPLICATION"
EVENT_TYPES: Mapping[str, str] = {
    PUSH: "harbor.artifact.pushed",
    PULL: "harbor.artifact.pulled",
    DELETE: "harbor.artifact.deleted",
    RETENTION: "harbor.tag_retention.finished",
    EXCEEDED: "harbor.quota.exceeded",
    WARNING: "harbor.quota.warned",
    REPLICATION: "harbor.replication.status.changed",
}
"""What is told of, with the type of its CloudEvent."""
LATER = frozenset(
    {
        "SCANNING_COMPLETED", "SCANNING_FAILED", "SCANNING_STOPPED",
    }
)  # fmt: skip
"""Event types of the contract that a policy may name, and that do not happen here yet."""

_SLACK_CHARACTERS = 2_900
"""Slack refuses a block of text over 3,000 characters."""


class Fact(msgspec.Struct, frozen=True):
    """Something that happened.

    Attributes:
        at: in Unix seconds.
        data: the `event_data` of the contract's body.
    """

    type: str
    at: int
    operator: str
    request_id: str
    data: dict[str, Any]


class Message(msgspec.Struct, frozen=True):
    """A request to be sent."""

    headers: dict[str, str]
    body: bytes


def make_message(fact: Fact, event_id: str, *, kind: str, form: str, source: str) -> Message:
    """The body that a target of this kind is sent, and its type.

    Args:
        kind: `http` or `slack`.
        form: `Default` or `CloudEvents`.
        source: what the CloudEvent names as its source: the policy's path.
    """
    if kind == SLACK:
        return Message({"content-type": "application/json"}, msgspec.json.encode(_slack(fact)))
    if form == CLOUD_EVENTS:
        event = {
            "specversion": "1.0",
            "id": event_id,
            "source": source,
            "type": EVENT_TYPES[fact.type],
            "time": datetime.fromtimestamp(fact.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "datacontenttype": "application/json",
            "operator": fact.operator,
            "data": fact.data,
        }
        if fact.request_id:
            event["requestid"] = fact.request_id
        return Message({"content-type": "application/cloudevents+json"}, msgspec.json.encode(event))
    body = {"type": fact.type, "occur_at": fact.at, "operator": fact.operator, "event_data": fact.data}
    return Message({"content-type": "application/json"}, msgspec.json.encode(body))


def sign(message: Message, event_id: str, key: str, now: int) -> dict[str, str]:
    """The headers by which a receiver knows a repeat, and, with a key, that the message comes from here.

    Args:
        key: the policy's signing key (`whsec_` and base64), or "".
        now: of this attempt, in Unix seconds; a receiver refuses what is old.
    """
    headers = {"webhook-id": event_id, "webhook-timestamp": str(now)}
    if key:
        secret = base64.b64decode(key.removeprefix("whsec_"))
        text = f"{event_id}.{now}.".encode() + message.body
        signature = hmac.new(secret, text, hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(signature).decode()}"
    return headers


def _slack(fact: Fact) -> dict[str, Any]:
    data = msgspec.json.format(msgspec.json.encode(fact.data), indent=2).decode()
    if len(data) > _SLACK_CHARACTERS:
        data = data[:_SLACK_CHARACTERS] + "…"
    at = datetime.fromtimestamp(fact.at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    pairs = (("event_type", fact.type), ("occur_at", at), ("operator", fact.operator))
    fields = [{"type": "mrkdwn", "text": f"*{name}:* {_plain(value)}"} for name, value in pairs]
    code = {"type": "section", "text": {"type": "mrkdwn", "text": f"*event_data:*\n```{_plain(data)}```"}}
    return {"text": fact.type, "blocks": [{"type": "section", "fields": fields}, code]}


def _plain(text: str) -> str:
    """Text that Slack takes for nothing else: no link, no mention, no end of a block of code."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("```", "'''")
