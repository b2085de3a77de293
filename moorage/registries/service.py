"""Endpoints of other registries: made, changed, deleted, and opened for whoever talks to them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Float, bindparam, case, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from moorage.db.base import db_now
from moorage.db.list_query import Field, Fields, Listing, holds
from moorage.db.unit_of_work import Work
from moorage.errors import RegistryExists, RegistryInUse, RegistryInvalid, RegistryUnknown, TargetRefused
from moorage.events import RegistryChanged
from moorage.registries.adapters import get_adapter
from moorage.registries.tables import Registry
from moorage.remotes.address_policy import parse_target
from moorage.remotes.registry_connection import Endpoint
from moorage.secret_encryption import Seals
from moorage.settings import Secret

MAX_ID = 2**63 - 1
MAX_NAME = 255
MAX_TEXT = 4_096
MAX_SECRET = 65_536
MAX_TOKEN_HOSTS = 8
CREDENTIAL_TYPES = frozenset({"", "basic", "oauth", "secret"})

HEALTHY, UNHEALTHY = "healthy", "unhealthy"

_SEALED = {"table": "registry", "column": "sealed_secret"}
_FIELDS = Fields(
    {
        "id": Field(Registry.id, kind="number"),
        "name": Field(Registry.name),
        "url": Field(Registry.url),
        "type": Field(Registry.kind),
        "status": Field(Registry.status),
        "description": Field(Registry.description),
        "creation_time": Field(Registry.created_at, kind="time"),
        "update_time": Field(Registry.updated_at, kind="time"),
    },
    key=Registry.id,
)
_COLUMNS = (
    Registry.id, Registry.name, Registry.kind, Registry.url, Registry.description, Registry.credential_type,
    Registry.access_key, Registry.sealed_secret, Registry.insecure, Registry.ca_certificate, Registry.token_hosts,
    Registry.trusted, Registry.status, Registry.status_reason, Registry.checked_at, Registry.created_at,
    Registry.updated_at, Registry.status_at, Registry.latency_ms,
)  # fmt: skip
_ONE = select(*_COLUMNS).where(Registry.id == bindparam("registry"))
_INSERT = insert(Registry).returning(Registry.id)
_SEAL = update(Registry).where(Registry.id == bindparam("registry")).values(sealed_secret=bindparam("sealed"))
_RESEAL = _SEAL.where(Registry.sealed_secret == bindparam("old"))
_DELETE = delete(Registry).where(Registry.id == bindparam("registry"))
_SET_STATUS = (
    update(Registry)
    .where(Registry.id == bindparam("registry"), Registry.updated_at == bindparam("seen"))
    .values(
        status=bindparam("new_status"),
        status_reason=bindparam("why"),
        status_at=case((Registry.status == bindparam("new_status"), Registry.status_at), else_=bindparam("now")),
        latency_ms=bindparam("latency"),
        checked_at=bindparam("now"),
    )
)


_CLAIM_STALE = (
    update(Registry)
    .where(or_(Registry.checked_at.is_(None), Registry.checked_at < db_now(bindparam("older", type_=Float))))
    .values(checked_at=db_now())
    .returning(Registry.id)
)


class RegistryRow(msgspec.Struct, frozen=True):
    """An endpoint as it is stored."""

    id: int
    name: str
    kind: str
    url: str
    description: str
    credential_type: str
    access_key: str
    sealed_secret: bytes | None
    insecure: bool
    ca_certificate: str
    token_hosts: list[str]
    trusted: bool
    status: str
    status_reason: str
    checked_at: datetime | None
    created_at: datetime
    updated_at: datetime
    status_at: datetime | None = None
    latency_ms: int | None = None


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint as somebody wants it.

    Attributes:
        secret: None: the one that is stored, if any.
        trusted: a system administrator gives the address.
    """

    name: str = ""
    kind: str = ""
    url: str = ""
    description: str = ""
    credential_type: str = ""
    access_key: str = ""
    secret: Secret | None = None
    insecure: bool = False
    ca_certificate: str = ""
    token_hosts: tuple[str, ...] = ()
    trusted: bool = False

    def endpoint(self, secret: Secret) -> Endpoint:
        """What is connected to."""
        return Endpoint(
            url=self.url, username=self.access_key, password=secret, insecure=self.insecure,
            ca_pem=self.ca_certificate, token_hosts=self.token_hosts, trusted=self.trusted,
        )  # fmt: skip


# -- reading ------------------------------------------------------------------------------------------------


def list_registries(work: Work, listing: Listing, *, name: str = "") -> tuple[list[RegistryRow], int, list[str]]:
    """A page of endpoints by id, how many there are, and what was ignored. Two statements.

    Args:
        name: a part of the name.
    """
    registries = select(*_COLUMNS)
    if name:
        registries = registries.where(holds(Registry.name, name))
    rows, total, ignored = _FIELDS.list_rows(work, registries, listing, "id")
    return [_row(row) for row in rows], total, ignored


def find_registry(work: Work, registry_id: int) -> RegistryRow | None:
    """The endpoint with this id."""
    row = work.db.execute(_ONE, {"registry": registry_id}).first() if 0 < registry_id <= MAX_ID else None
    return None if row is None else _row(row)


def get_registry(work: Work, registry_id: int) -> RegistryRow:
    """The endpoint with this id.

    Raises:
        RegistryUnknown: there is none.
    """
    row = find_registry(work, registry_id)
    if row is None:
        raise RegistryUnknown(id=registry_id)
    return row


def list_some(work: Work, ids: Iterable[int]) -> dict[int, RegistryRow]:
    """The endpoints with these ids, by id. One statement; none for no ids."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    return {row.id: _row(row) for row in work.db.execute(select(*_COLUMNS).where(Registry.id.in_(wanted)))}


def open_secret(row: RegistryRow, seals: Seals) -> Secret:
    """The stored secret; empty when there is none.

    Raises:
        SealBroken: its key is missing, or somebody wrote to the row.
    """
    if row.sealed_secret is None:
        return Secret("")
    return Secret(seals.open(row.sealed_secret, row=str(row.id), **_SEALED))


def endpoint_of(row: RegistryRow, seals: Seals) -> Endpoint:
    """What to connect to for a stored endpoint, its secret opened. For `adapters.open_adapter`, with `row.kind`.

    Raises:
        SealBroken: as `open_secret`.
    """
    return draft_of(row).endpoint(open_secret(row, seals))


def draft_of(row: RegistryRow) -> Draft:
    """A stored endpoint, to be changed; its secret stays."""
    return Draft(
        name=row.name, kind=row.kind, url=row.url, description=row.description, credential_type=row.credential_type,
        access_key=row.access_key, insecure=row.insecure, ca_certificate=row.ca_certificate,
        token_hosts=tuple(row.token_hosts), trusted=row.trusted,
    )  # fmt: skip


# -- changing -----------------------------------------------------------------------------------------------


def check_draft(draft: Draft) -> Draft:
    """A draft in the form in which it is stored.

    Raises:
        RegistryInvalid, TargetRefused: it cannot be used; the message says why.
    """
    if not 1 <= len(draft.name) <= MAX_NAME or not draft.name.isprintable() or draft.name != draft.name.strip():
        raise RegistryInvalid(f"The name of a registry is 1 to {MAX_NAME} visible characters.")
    return check_address(draft)


def check_address(draft: Draft) -> Draft:
    """The part of `check_draft` that a ping needs: everything but the name."""
    get_adapter(draft.kind)
    url = draft.url.strip().rstrip("/")
    target = parse_target(url)
    if "?" in url or "#" in url:
        raise RegistryInvalid("The URL of a registry ends with its path: no '?' and no '#'.")
    if draft.credential_type not in CREDENTIAL_TYPES:
        raise RegistryInvalid(f"The type of credentials is one of {', '.join(sorted(CREDENTIAL_TYPES))[2:]}.")
    texts = (draft.description, draft.access_key)
    if any(len(text) > MAX_TEXT for text in texts) or len(draft.secret or "") > MAX_SECRET:
        raise RegistryInvalid("The description, the access key or the secret is too long.")
    if any(sign < " " for sign in draft.access_key):
        raise RegistryInvalid("The access key holds characters that no header can carry.")
    if draft.ca_certificate:
        _check_certificate(draft.ca_certificate)
    if len(draft.token_hosts) > MAX_TOKEN_HOSTS:
        raise RegistryInvalid(f"A registry has at most {MAX_TOKEN_HOSTS} token hosts.")
    for host in draft.token_hosts:
        _check_host(target.scheme, host)
    return msgspec.structs.replace(draft, url=url)


def is_elsewhere(before: RegistryRow, after: Draft) -> bool:
    """Whether a stored secret would go another way by this change: to another address, or without its check."""
    if after.insecure and not before.insecure:
        return True
    if after.kind != before.kind or not set(after.token_hosts) <= set(before.token_hosts):
        return True
    return parse_target(after.url).origin != parse_target(before.url).origin


def create_registry(work: Work, draft: Draft, seals: Seals, *, healthy: bool) -> int:
    """Store an endpoint and return its id; of two of one name made at once, the second is refused.

    Args:
        draft: checked.
        seals: what seals its secret.
        healthy: whether it was just seen to answer.

    Raises:
        RegistryExists: there is one of this name.
    """
    values = {**_values(draft), "created_at": work.now, **_health(work, healthy=healthy)}
    try:
        with work.db.begin_nested():
            made: int = work.db.execute(_INSERT, values).scalar_one()
    except IntegrityError as error:
        raise RegistryExists(name=draft.name) from error
    _seal(work, made, draft.secret, seals)
    work.emit(RegistryChanged(made, draft.name, draft.url, "create"))
    return made


def update_registry(work: Work, registry_id: int, draft: Draft, seals: Seals, *, healthy: bool) -> None:
    """Store an endpoint anew.

    Args:
        registry_id: which.
        draft: checked; all of it.
        seals: what seals a new secret.
        healthy: whether it was just seen to answer; what was known of its health stays otherwise.

    Raises:
        RegistryUnknown: there is none.
        RegistryExists: another one has this name.
        RegistryInvalid: the secret would go another way, and was not given again.
    """
    before = get_registry(work, registry_id)
    require_secret(before, draft)
    values = {**_values(draft), **_health(work, healthy=healthy)}
    try:
        with work.db.begin_nested():
            done = work.db.execute(update(Registry).where(Registry.id == registry_id).values(**values))
    except IntegrityError as error:
        raise RegistryExists(name=draft.name) from error
    if done.rowcount != 1:
        raise RegistryUnknown(id=registry_id)
    _seal(work, registry_id, draft.secret, seals)
    changed = tuple(name for name, value in _values(draft).items() if getattr(before, name, value) != value)
    changed += ("access_secret",) if draft.secret is not None else ()
    work.emit(RegistryChanged(registry_id, draft.name, draft.url, "update", changed))


def require_secret(before: RegistryRow, draft: Draft) -> None:
    """See that a stored secret goes only where it went when it was given.

    Raises:
        RegistryInvalid: it would go another way, and was not given again.
    """
    if before.sealed_secret is not None and draft.secret is None and is_elsewhere(before, draft):
        message = "The secret was given for another address: give it again, or an empty one."
        raise RegistryInvalid(message, which="REGISTRY_SECRET_AGAIN")


def delete_registry(work: Work, registry_id: int) -> None:
    """Delete an endpoint that nothing uses.

    Raises:
        RegistryUnknown: there is none.
        RegistryInUse: a policy or a project uses it; one in the trash does, too.
    """
    before = get_registry(work, registry_id)
    try:
        with work.db.begin_nested():
            gone = work.db.execute(_DELETE, {"registry": registry_id})
    except IntegrityError as error:
        raise RegistryInUse(name=before.name) from error
    if gone.rowcount != 1:
        raise RegistryUnknown(id=registry_id)
    work.emit(RegistryChanged(registry_id, before.name, before.url, "delete"))


def claim_stale(work: Work, seconds: int) -> list[RegistryRow]:
    """The endpoints that nobody has looked at for so long; the caller has, from now on: of two, one gets each."""
    ids = work.db.execute(_CLAIM_STALE, {"older": float(-seconds)}).scalars().all()
    if not ids:
        return []
    return [_row(row) for row in work.db.execute(select(*_COLUMNS).where(Registry.id.in_(ids)).order_by(Registry.id))]


def note_health(work: Work, seen: RegistryRow, reason: str, latency_ms: int | None = None) -> None:
    """Note what a look at an endpoint found; nothing when it was changed since.

    Args:
        work: the unit of work.
        seen: the endpoint as it was looked at.
        reason: why it is unhealthy; "" when it is not.
        latency_ms: how long the look took; None: nobody measured it.
    """
    values = {
        "registry": seen.id,
        "seen": seen.updated_at,
        "now": work.now,
        "why": reason[:MAX_TEXT],
        "latency": latency_ms,
    }
    work.db.execute(_SET_STATUS, {**values, "new_status": UNHEALTHY if reason else HEALTHY})


def reseal(work: Work, seen: RegistryRow, seals: Seals) -> None:
    """Seal a stored secret with the newest key, so that an older one can go; nothing when it was changed since.

    Raises:
        SealBroken: it does not open.
    """
    sealed = seals.seal(open_secret(seen, seals).reveal(), row=str(seen.id), **_SEALED)
    work.db.execute(_RESEAL, {"registry": seen.id, "old": seen.sealed_secret, "sealed": sealed})


def _values(draft: Draft) -> dict[str, Any]:
    return {
        "name": draft.name, "kind": draft.kind, "url": draft.url, "description": draft.description,
        "credential_type": draft.credential_type, "access_key": draft.access_key, "insecure": draft.insecure,
        "ca_certificate": draft.ca_certificate, "token_hosts": list(draft.token_hosts), "trusted": draft.trusted,
    }  # fmt: skip


def _health(work: Work, *, healthy: bool) -> Mapping[str, Any]:
    status = {"status": HEALTHY, "status_reason": "", "status_at": work.now, "checked_at": work.now} if healthy else {}
    return {**status, "updated_at": work.now}


def _seal(work: Work, registry_id: int, secret: Secret | None, seals: Seals) -> None:
    """Store a secret sealed for its row; an empty one takes the stored one away, None leaves it."""
    if secret is None:
        return
    sealed = seals.seal(secret.reveal(), row=str(registry_id), **_SEALED) if secret else None
    work.db.execute(_SEAL, {"registry": registry_id, "sealed": sealed})


def _check_host(scheme: str, host: str) -> None:
    problem = RegistryInvalid(f"A token host is HOST or HOST:PORT, not {host[:100]!r}.")
    try:
        target = parse_target(f"{scheme}://{host}")
    except TargetRefused:
        raise problem from None
    if target.path != "/" or host.endswith("/"):
        raise problem


def _check_certificate(text: str) -> None:
    try:
        from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415 - 2.5 MB that workers do without

        load_pem_x509_certificates(text.encode("utf-8"))
    except ValueError:
        raise RegistryInvalid("The certificate of the authority is not PEM.", which="CA_NOT_PEM") from None


def _row(row: Any) -> RegistryRow:  # noqa: ANN401 - a row
    return RegistryRow(*row)
