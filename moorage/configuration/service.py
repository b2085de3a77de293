"""Read and write the live settings."""

import json
import logging
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import insert, select, update

from moorage.configuration import validation
from moorage.configuration.schema import Items
from moorage.configuration.tables import Configuration
from moorage.db.unit_of_work import Work
from moorage.errors import ItemFixed, ItemInvalid
from moorage.events import ConfigurationChanged
from moorage.secret_encryption import Seals, find_key_id
from moorage.settings import Secret

VARIABLE = "MOORAGE_CONFIG_OVERWRITE"
"""The boot setting that fixes items."""

_ID = 1
_ROW = select(Configuration.version, Configuration.items, Configuration.fixed).where(Configuration.id == _ID)

log = logging.getLogger("moorage.configuration")


class Stored(msgspec.Struct, frozen=True):
    """The row: its version, what was set, and what the environment sets instead. Secrets are sealed."""

    version: int = 0
    items: Mapping[str, object] = {}
    fixed: Mapping[str, object] = {}

    @property
    def fixed_names(self) -> frozenset[str]:
        """Names of the settings that the environment fixes."""
        return frozenset(self.fixed) | ({"auth_mode"} if "auth_sources" in self.fixed else set())


def get_items(work: Work) -> Items:
    """The live settings as this transaction sees them, without the secrets: those need the keys, see `Live`.

    Cost: one look-up by primary key.
    """
    return unpack(_read(work), None)


def set_items(work: Work, seals: Seals, changes: Mapping[str, object]) -> Items:
    """Change live settings, and return all of them.

    Args:
        seals: what secrets are sealed with.
        changes: names and values as JSON has them. Unknown names and null are passed over. `auth_mode` moves its
            source to the front and switches none off; `auth_sources` sets the whole list.

    Raises:
        ItemFixed: the environment fixes one of them; nothing is changed.
        ItemInvalid: a value cannot be used; nothing is changed.

    Of two who change the settings at once, the second sees what the first wrote.
    """
    stored = _read(work, lock=True)
    fixed = sorted(name for name in changes.keys() & stored.fixed_names if changes[name] is not None)
    if fixed:
        raise ItemFixed(f"{', '.join(fixed)}: fixed by the variable {VARIABLE}.", items=fixed, variable=VARIABLE)
    before = unpack(stored, seals)
    after = validation.change(before, changes)
    changed = _differing(before, after)
    if changed:
        kept = {name: value for name, value in stored.items.items() if name not in changed}
        _write(work, stored, {**kept, **_pack(after, changed - _defaults(after), seals, "items")}, stored.fixed)
        _tell(work, after, changed)
    return after


def fix_items(work: Work, seals: Seals, overwrite: Mapping[str, object]) -> None:
    """Fix items for as long as the server runs with this `MOORAGE_CONFIG_OVERWRITE`, and free those fixed before.

    What was set through the API stays underneath and comes back. Safe to repeat: every process does it at its start.
    Secrets that an older key sealed are sealed again.

    Raises:
        ItemInvalid: an unknown name, or a value that cannot be used.
    """
    validation.require_known(overwrite)
    stored = _read(work, lock=True)
    before = unpack(stored, seals)
    set_here = unpack(msgspec.structs.replace(stored, fixed={}), seals)
    values = validation.read_values(overwrite)
    after = validation.change(set_here, overwrite)
    after = msgspec.structs.replace(after, **values)
    fixed_before = _unpack(stored.fixed, seals, "fixed")
    if fixed_before == values and _is_current(stored, seals):
        return
    own = stored.items.keys() & validation.TYPES.keys()
    _write(work, stored, _pack(set_here, own, seals, "items"), _pack(after, values.keys(), seals, "fixed"))
    changed = _differing(before, after)
    if changed:
        _tell(work, after, changed)


def count_seals(work: Work) -> Counter[str]:
    """How many secrets among the items each key has sealed, by the keys' ids."""
    stored = _read(work)
    sealed = [
        value for packed in (stored.items, stored.fixed) for name, value in packed.items() if name in validation.SECRETS
    ]
    return Counter(find_key_id(b64decode(str(value))) for value in sealed)


def reseal_items(work: Work, seals: Seals) -> int:
    """Seal the secrets among the items again that older keys have sealed; how many. Safe to repeat.

    Raises:
        SealBroken: one does not open; nothing is changed.
    """
    if not count_seals(work):
        return 0
    stored = _read(work, lock=True)
    anew: dict[str, dict[str, object]] = {}
    count = 0
    for column, packed in (("items", stored.items), ("fixed", stored.fixed)):
        anew[column] = dict(packed)
        for name, value in packed.items():
            sealed = b64decode(str(value)) if name in validation.SECRETS else b""
            if sealed and not seals.is_current(sealed):
                place = {"table": "configuration", "row": name, "column": column}
                anew[column][name] = b64encode(seals.seal(seals.open(sealed, **place), **place)).decode("ascii")
                count += 1
    if count:
        _write(work, stored, anew["items"], anew["fixed"])
    return count


def describe_items(work: Work) -> dict[str, object]:
    """Describe all settings except secrets, in the contract's form.

    Shape: {name: {"value": str | int | bool | [str], "editable": bool, "variable": what fixes it (only then)}}, and
    `scan_all_policy`, when it is set, as the object itself.

    Source: Harbor API v2.0, `ConfigurationsResponse`.
    """
    stored = _read(work)
    items = unpack(stored, None)
    shown: dict[str, object] = {"auth_mode": items.auth_mode}
    shown |= {name: value for name, value in msgspec.structs.asdict(items).items() if name not in validation.SECRETS}
    shown["oidc_extra_redirect_parms"] = json.dumps(items.oidc_extra_redirect_parms)
    policy = shown.pop("scan_all_policy")
    fixed = stored.fixed_names
    described: dict[str, object] = {
        name: {"value": value, "editable": False, "variable": VARIABLE}
        if name in fixed
        else {"value": value, "editable": True}
        for name, value in shown.items()
    }
    if policy:
        described["scan_all_policy"] = json.loads(items.scan_all_policy)
    return described


def list_values(work: Work) -> list[tuple[str, object, bool]]:
    """All that may be shown, each as the value it is: name, value, whether it can be changed here. No secrets.

    Source: Harbor API v2.0, `InternalConfigurationsResponse`, which has other components of the server ask with a
    secret of theirs and tells them passwords. Here nothing but this process needs those.
    """
    stored = _read(work)
    items = unpack(stored, None)
    values: dict[str, object] = {"auth_mode": items.auth_mode, **msgspec.structs.asdict(items)}
    values["scan_all_policy"] = json.loads(items.scan_all_policy or "{}")
    fixed = stored.fixed_names
    return [
        (name, msgspec.to_builtins(value), name not in fixed)
        for name, value in sorted(values.items())
        if name not in validation.SECRETS
    ]


def unpack(stored: Stored, seals: Seals | None) -> Items:
    """The items of a row; without `seals` its secrets are left empty.

    Raises:
        SealBroken: a secret cannot be opened.
    """
    return Items(**{**_unpack(stored.items, seals, "items"), **_unpack(stored.fixed, seals, "fixed")})


def _unpack(packed: Mapping[str, object], seals: Seals | None, column: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in packed.items():
        if name in validation.SECRETS:
            if seals is not None:
                sealed = b64decode(str(value))
                values[name] = Secret(seals.open(sealed, table="configuration", row=name, column=column))
        elif name in validation.TYPES:
            try:
                values[name] = validation.read_value(name, value)
            except ItemInvalid as problem:  # a version before this one took it
                log.warning("the stored value is passed over and the default used: %s", problem)
    return values


def _pack(items: Items, names: Any, seals: Seals, column: str) -> dict[str, object]:  # noqa: ANN401 - any set of names
    packed: dict[str, object] = {}
    for name in sorted(names):
        value = getattr(items, name)
        if name in validation.SECRETS:
            sealed = seals.seal(value.reveal(), table="configuration", row=name, column=column)
            packed[name] = b64encode(sealed).decode("ascii")
        else:
            packed[name] = msgspec.to_builtins(value)
    return packed


def _is_current(stored: Stored, seals: Seals) -> bool:
    return all(
        seals.is_current(b64decode(str(value)))
        for packed in (stored.items, stored.fixed)
        for name, value in packed.items()
        if name in validation.SECRETS
    )


def _read(work: Work, *, lock: bool = False) -> Stored:
    """The row. With `lock` it is there afterwards, and nobody else changes it until this transaction ends.

    Two who write the first row meet at its primary key, and the second begins its transaction anew.
    """
    row = work.db.execute(_ROW.with_for_update() if lock else _ROW).one_or_none()
    if row is not None:
        return Stored(*row)
    if lock:
        work.db.execute(insert(Configuration).values(id=_ID, version=0, items={}, fixed={}, updated_at=work.now))
    return Stored()


def _write(work: Work, stored: Stored, items: Mapping[str, object], fixed: Mapping[str, object]) -> None:
    work.db.execute(
        update(Configuration)
        .where(Configuration.id == _ID)
        .values(version=stored.version + 1, items=dict(items), fixed=dict(fixed), updated_at=work.now)
    )


def _differing(before: Items, after: Items) -> set[str]:
    return {name for name in validation.TYPES if _plain(getattr(before, name)) != _plain(getattr(after, name))}


def _defaults(items: Items) -> set[str]:
    return set(validation.TYPES) - _differing(validation.DEFAULTS, items)


def _plain(value: object) -> object:
    return value.reveal() if isinstance(value, Secret) else value


def _tell(work: Work, items: Items, changed: set[str]) -> None:
    """Emit the change as an event, with values of settings that are not secret."""
    values = {name: msgspec.to_builtins(getattr(items, name)) for name in sorted(changed - validation.SECRETS)}
    work.emit(ConfigurationChanged(values, tuple(sorted(changed & validation.SECRETS))))
