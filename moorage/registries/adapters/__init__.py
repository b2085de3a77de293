"""The kinds of registries: one file for each, found by being here."""

import contextlib
import importlib
import pkgutil
from collections.abc import AsyncIterator, Mapping
from functools import cache

import msgspec

from moorage.errors import RegistryInvalid
from moorage.registries.adapters.base import Adapter
from moorage.remotes.address_policy import By
from moorage.remotes.bearer_auth import Credentials
from moorage.remotes.http_client import Outgoing
from moorage.remotes.registry_client import open_client
from moorage.remotes.registry_connection import Endpoint
from moorage.remotes.retry_policy import Patience


@cache
def list_adapters() -> Mapping[str, type[Adapter]]:
    """Every kind, in the order of their names."""
    found: dict[str, type[Adapter]] = {}
    for module in pkgutil.iter_modules(__path__):
        adapter = getattr(importlib.import_module(f"{__name__}.{module.name}"), "ADAPTER", None)
        if adapter is None:
            continue
        if adapter.kind in found:
            msg = f"two adapters are of the kind {adapter.kind}"
            raise RuntimeError(msg)
        found[adapter.kind] = adapter
    return dict(sorted(found.items()))


def get_adapter(kind: str) -> type[Adapter]:
    """The adapter of a kind.

    Raises:
        RegistryInvalid: there is none.
    """
    adapter = list_adapters().get(kind)
    if adapter is None:
        raise RegistryInvalid(f"There is no type of registry {kind[:64]!r}; known are {', '.join(list_adapters())}.")
    return adapter


@contextlib.asynccontextmanager
async def open_adapter(
    outgoing: Outgoing,
    kind: str,
    endpoint: Endpoint,
    *,
    patience: Patience = Patience(),  # noqa: B008 - frozen
    by: By = "project",
) -> AsyncIterator[Adapter]:
    """An adapter with a client of its own, for one job or request; the arguments are those of `open_client`.

    Raises:
        RegistryInvalid: there is no such kind.
        TargetRefused: the address cannot be used.
    """
    adapter = get_adapter(kind)
    placed = adapter.place(endpoint)
    hosts = tuple(dict.fromkeys([*placed.token_hosts, *adapter.api_hosts(endpoint)]))
    placed = msgspec.structs.replace(placed, token_hosts=hosts)
    made: list[Adapter] = []

    async def login() -> Credentials:
        return await made[0].login()

    async with open_client(outgoing, placed, login=login, patience=patience, by=by) as client:
        made.append(adapter(client, placed))
        yield made[0]
