"""Tasks that run side by side share the client of a registry; see also tests/flows/test_replication.py."""

import asyncio

import pytest

from moorage.errors import RegistryInvalid
from moorage.registries.adapters.base import Adapter
from moorage.remotes.http_client import Outgoing
from moorage.remotes.registry_connection import Endpoint
from moorage.replication import shared_clients
from moorage.replication.shared_clients import share_adapter
from moorage.settings import Secret

ENDPOINT = Endpoint(url="http://registry.example", username="bob", password=Secret("one"))


async def test_those_at_the_same_time_share_one_and_the_last_one_closes_it() -> None:
    outgoing, met = Outgoing(), asyncio.Barrier(3)

    async def work() -> Adapter:
        async with share_adapter(outgoing, "harbor", ENDPOINT) as adapter:
            await met.wait()
            assert len(shared_clients._OPEN) == 1
            return adapter

    first, second, third = await asyncio.gather(work(), work(), work())

    assert first is second is third
    assert not shared_clients._OPEN
    async with share_adapter(outgoing, "harbor", ENDPOINT) as later:
        assert later is not first


async def test_another_password_is_another_one() -> None:
    outgoing = Outgoing()
    other = Endpoint(url=ENDPOINT.url, username="bob", password=Secret("two"))

    async with share_adapter(outgoing, "harbor", ENDPOINT) as one, share_adapter(outgoing, "harbor", other) as two:
        assert one is not two
        assert one.endpoint.password.reveal() == "one"


async def test_what_fails_leaves_nothing_open() -> None:
    with pytest.raises(RegistryInvalid):
        async with share_adapter(Outgoing(), "no-such-kind", ENDPOINT):
            pytest.fail("it was opened")
    with pytest.raises(ValueError, match="made up"):
        async with share_adapter(Outgoing(), "harbor", ENDPOINT):
            raise ValueError("made up")

    assert not shared_clients._OPEN
