"""Policies: make, change, delete."""

import base64
import secrets as random
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from moorage.db.compiled_statements import Prepared
from moorage.db.list_query import Field, Fields, Listing
from moorage.db.unit_of_work import Work
from moorage.errors import Denied, WebhookExists, WebhookInvalid, WebhookLimit, WebhookUnknown
from moorage.events import WebhookChanged
from moorage.jobs.tables import Execution, Task
from moorage.remotes.address_policy import parse_target
from moorage.secret_encryption import Seals
from moorage.selectors import compile_selector
from moorage.webhooks.payload import DEFAULT, EVENT_TYPES, FORMATS, LATER
from moorage.webhooks.tables import WebhookDelivery, WebhookPolicy

VENDOR = "WEBHOOK"
MAXPOLICIES = 50
MAX_TARGETS = 10
_PLACE = {"table": "webhook_policy", "column": "sealed_secrets"}


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The target address of a policy."""

    type: str = "http"
    address: Annotated[str, Meta(max_length=2048)] = ""
    skip_cert_verify: bool = False
    payload_format: str = DEFAULT


class Secrets(msgspec.Struct, frozen=True):
    """A policy's secrets: the Authorization header of each target, and the key that signs."""

    auth_headers: list[str] = []
    signing_key: str = ""


class Pattern(msgspec.Struct, frozen=True):
    """What is told of."""

    kind: str = "doublestar"
    pattern: str = ""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """The requested content of a policy.

    Attributes:
        auth_headers: of each target; None: the one that is stored.
        repositories: by their names without the project; None: all.
        tags: None: all, and what has none.
    """

    name: Annotated[str, Meta(min_length=1, max_length=255)]
    description: Annotated[str, Meta(max_length=1024)] = ""
    enabled: bool = True
    event_types: list[str]
    targets: list[Target]
    auth_headers: list[str | None]
    repositories: Pattern | None = None
    tags: Pattern | None = None


class Policy(msgspec.Struct, frozen=True):
    """A policy as it is stored."""

    id: int
    project_id: int
    name: str
    description: str
    enabled: bool
    event_types: list[str]
    targets: list[Target]
    sealed_secrets: bytes | None
    repositories: Pattern | None
    tags: Pattern | None
    trusted: bool
    creator: str
    created_at: datetime
    updated_at: datetime

    def tells(self, event_type: str, repository: str, tags: Sequence[str]) -> bool:
        """Return whether the policy selects the event.

        Args:
            repository: the name without the project; "": of no repository.
            tags: those that it is about; any of them will do.
        """
        if event_type not in self.event_types:
            return False
        if self.repositories is not None and repository:
            one = self.repositories
            if not compile_selector(one.kind, one.pattern).matches(repository):
                return False
        if self.tags is not None and repository:
            two = self.tags
            return any(compile_selector(two.kind, two.pattern).matches(tag) for tag in tags)
        return True


POLICIES = select(*(getattr(WebhookPolicy, name) for name in Policy.__struct_fields__))
_FIELDS = Fields(
    {
        "id": Field(WebhookPolicy.id, kind="number"),
        "name": Field(WebhookPolicy.name, nullable=False),
        "enabled": Field(WebhookPolicy.enabled, kind="flag", nullable=False),
        "creation_time": Field(WebhookPolicy.created_at, kind="time", nullable=False),
        "update_time": Field(WebhookPolicy.updated_at, kind="time", nullable=False),
    },
    key=WebhookPolicy.id,
)


_ENABLED = Prepared(
    POLICIES.where(WebhookPolicy.project_id == bindparam("project"), WebhookPolicy.enabled).order_by(WebhookPolicy.id)
)
"""Asked with every push."""


# -- policies -----------------------------------------------------------------------------------------------


def list_policies(work: Work, project_id: int, listing: Listing) -> tuple[list[Policy], int, list[str]]:
    """A page of a project's policies; how many there are; what was ignored. Two statements."""
    policies = POLICIES.where(WebhookPolicy.project_id == project_id)
    rows, total, ignored = _FIELDS.list_rows(work, policies, listing, "id")
    return [read_policy(row._asdict()) for row in rows], total, ignored


def list_enabled(work: Work, project_id: int) -> list[Policy]:
    """The policies of a project that tell somebody. One statement."""
    rows = _ENABLED.rows(work, {"project": project_id})
    return [read_policy(dict(zip(Policy.__struct_fields__, row, strict=True))) for row in rows]


def get_policy(work: Work, project_id: int, policy_id: int) -> Policy:
    """A policy of this project.

    Raises:
        WebhookUnknown: it has no such policy.
    """
    row = work.db.execute(
        POLICIES.where(WebhookPolicy.id == policy_id, WebhookPolicy.project_id == project_id)
    ).mappings().one_or_none()  # fmt: skip
    if row is None:
        raise WebhookUnknown(id=policy_id)
    return read_policy(row)


def read_policy(row: Any) -> Policy:  # noqa: ANN401 - a mapping of a row
    """A policy out of a row of `POLICIES`."""
    sealed = row["sealed_secrets"]
    return msgspec.convert({**row, "sealed_secrets": None if sealed is None else bytes(sealed)}, Policy)


def open_secrets(policy: Policy, seals: Seals) -> Secrets:
    """The secrets of a policy.

    Raises:
        SealBroken: their key is missing, or somebody wrote to the row.
    """
    if policy.sealed_secrets is None:
        return Secrets([""] * len(policy.targets))
    return msgspec.json.decode(seals.open(policy.sealed_secrets, row=str(policy.id), **_PLACE), type=Secrets)


def check_draft(draft: Draft, *, admin: bool) -> None:
    """See that a policy can be used.

    Raises:
        WebhookInvalid, SelectorInvalid, TargetRefused: a part of it cannot; the message says which.
        Denied: certificates are not to be checked, and no system administrator says so.
    """
    if not draft.name.isprintable() or draft.name != draft.name.strip():
        raise WebhookInvalid("The name of a webhook policy is 1 to 255 visible characters.")
    unknown = [one for one in draft.event_types if one not in EVENT_TYPES and one not in LATER]
    if unknown or not draft.event_types:
        known = ", ".join([*EVENT_TYPES, *sorted(LATER)])
        raise WebhookInvalid(f"event_types has one or more of {known}.", unknown=[one[:64] for one in unknown[:5]])
    if not 1 <= len(draft.targets) <= MAX_TARGETS:
        raise WebhookInvalid(f"A webhook policy has 1 to {MAX_TARGETS} targets.")
    for one in draft.targets:
        forms = FORMATS.get(one.type)
        if forms is None:
            raise WebhookInvalid(f"The type of a target is {' or '.join(FORMATS)}.", type=one.type[:64])
        if one.payload_format not in forms:
            raise WebhookInvalid(f"The payload_format of {one.type} is {' or '.join(forms)}.")
        parse_target(one.address)
        if one.skip_cert_verify and not admin:
            raise Denied("Only a system administrator may have a certificate believed without a check.")
    for header in draft.auth_headers:
        if header and (len(header) > 4096 or not header.isascii() or not header.isprintable()):
            raise WebhookInvalid("auth_header is at most 4096 visible ASCII characters.")
    for pattern in (draft.repositories, draft.tags):
        if pattern is not None:
            compile_selector(pattern.kind, pattern.pattern)


def create_policy(work: Work, project_id: int, draft: Draft, seals: Seals, *, admin: bool) -> int:
    """Make a policy; its id.

    Raises:
        WebhookExists: the project has one of this name; the unique index decides.
        WebhookLimit: it has 50.
    """
    count = select(func.count()).where(WebhookPolicy.project_id == project_id)
    if work.db.execute(count).scalar_one() >= MAXPOLICIES:
        raise WebhookLimit(limit=MAXPOLICIES)
    row = {**_columns(draft), "project_id": project_id, "trusted": admin, "creator": work.actor.name}
    row |= {"created_at": work.now, "updated_at": work.now}
    made = _once(work, insert(WebhookPolicy).values(**row).returning(WebhookPolicy.id), draft.name)
    _seal(work, made, Secrets([one or "" for one in draft.auth_headers]), seals)
    work.emit(WebhookChanged(project_id, draft.name, "created"))
    return made


def update_policy(work: Work, project_id: int, policy_id: int, draft: Draft, seals: Seals, *, admin: bool) -> None:
    """Replace a policy; a secret that is not given stays with its target's address, and goes where that is another.

    Raises:
        WebhookUnknown: the project has no such policy.
        WebhookExists: it has another one of this name.
    """
    before = get_policy(work, project_id, policy_id)
    kept = open_secrets(before, seals)
    by_address = {one.address: header for one, header in zip(before.targets, kept.auth_headers, strict=False)}
    headers = [
        by_address.get(one.address, "") if header is None else header
        for one, header in zip(draft.targets, draft.auth_headers, strict=True)
    ]
    same = {one.address for one in draft.targets} <= {one.address for one in before.targets}
    values = {**_columns(draft), "trusted": admin or (before.trusted and same), "updated_at": work.now}
    change = update(WebhookPolicy).where(WebhookPolicy.id == policy_id).values(**values)
    _once(work, change.returning(WebhookPolicy.id), draft.name)
    _seal(work, policy_id, Secrets(headers, kept.signing_key), seals)
    work.emit(WebhookChanged(project_id, draft.name, "updated"))


def delete_policy(work: Work, project_id: int, policy_id: int) -> None:
    """Delete a policy with its history and its pending deliveries.

    Raises:
        WebhookUnknown: the project has no such policy.
    """
    policy = get_policy(work, project_id, policy_id)
    work.db.execute(delete(WebhookDelivery).where(WebhookDelivery.policy_id == policy_id))
    # What has a task that has not ended ends by itself: its job finds no delivery any more.
    unfinished = select(Task.execution_id).where(Task.execution_id == Execution.id, Task.ended_at.is_(None)).exists()
    of_it = (Execution.vendor_type == VENDOR, Execution.vendor_id == policy_id)
    work.db.execute(delete(Execution).where(*of_it, ~unfinished))
    work.db.execute(delete(WebhookPolicy).where(WebhookPolicy.id == policy_id))
    work.emit(WebhookChanged(project_id, policy.name, "deleted"))


def renew_signing_key(work: Work, project_id: int, policy_id: int, seals: Seals) -> str:
    """A new key that signs what a policy sends from now on, to be shown once.

    Raises:
        WebhookUnknown: the project has no such policy.
    """
    policy = get_policy(work, project_id, policy_id)
    key = f"whsec_{base64.b64encode(random.token_bytes(32)).decode()}"
    _seal(work, policy_id, Secrets(open_secrets(policy, seals).auth_headers, key), seals)
    work.emit(WebhookChanged(project_id, policy.name, "signing_key"))
    return key


def _columns(draft: Draft) -> dict[str, object]:
    return {
        "name": draft.name,
        "description": draft.description,
        "enabled": draft.enabled,
        "event_types": list(dict.fromkeys(draft.event_types)),
        "targets": msgspec.to_builtins(draft.targets),
        "repositories": msgspec.to_builtins(draft.repositories),
        "tags": msgspec.to_builtins(draft.tags),
    }


def _once(work: Work, statement: Any, name: str) -> int:  # noqa: ANN401 - an insert or update that returns the id
    try:
        with work.db.begin_nested():
            return int(work.db.execute(statement).scalar_one())
    except IntegrityError as error:
        raise WebhookExists(name=name) from error


def _seal(work: Work, policy_id: int, held: Secrets, seals: Seals) -> None:
    sealed = None
    if held.signing_key or any(held.auth_headers):
        sealed = seals.seal(msgspec.json.encode(held).decode(), row=str(policy_id), **_PLACE)
    work.db.execute(update(WebhookPolicy).where(WebhookPolicy.id == policy_id).values(sealed_secrets=sealed))
