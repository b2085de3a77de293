"""A directory that is away, hangs, or cannot be trusted: an outage of it, and no wrong password (threats.md I4, A7)."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from moorage.errors import CredentialsInvalid, DirectoryUnavailable
from moorage.settings import Secret
from moorage.users.login_throttle import FREE_TRIES
from tests.api.identity.conftest import Door, World
from tests.api.identity.directories import PASSWORD, Person, Town
from tests.api.pace import timed
from tests.parts.slapd import Slapd

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""What a sign-in writes has its tests on both databases in test_people.py."""


async def refuse_in_time(way: Door, who: Person, *, seconds: float) -> DirectoryUnavailable:
    async with timed() as passed:
        with pytest.raises(DirectoryUnavailable) as caught:
            await way.enter(who)
        assert passed() < seconds
    assert caught.value.status == 503
    return caught.value


async def test_a_directory_that_hangs_is_an_outage_and_local_accounts_do_not_wait(
    town: Town, world: World, door: Callable[..., Door]
) -> None:
    alice = town.person("alice")
    world.user("carol")
    way = door(town, ldap_timeout=1)
    town.part.freeze()
    try:
        waiting = asyncio.create_task(refuse_in_time(way, alice, seconds=2))
        await asyncio.sleep(0.2)
        async with timed() as passed:
            assert (await way.enter("admin", "admin-Pass1")).admin
            assert (await way.enter("carol", "carol-Pass1")).principal_id
            assert passed() < 0.5
        problem = await waiting
    finally:
        town.part.go_on()

    assert "did not answer in 1 s. Your password was not checked. Local accounts still work." in str(problem)
    assert PASSWORD not in str(problem)
    assert world.refused.refusals == []
    world.clock.now += 3
    way.set(ldap_timeout=20)
    assert (await way.enter(alice)).principal_id, "as soon as it is back"


async def test_many_who_wait_for_a_directory_that_hangs_are_all_told_in_time(
    openldap: Town, door: Callable[..., Door]
) -> None:
    alice = openldap.person("alice")
    way = door(openldap, ldap_timeout=1)
    openldap.part.freeze()
    try:
        async with timed() as passed:
            told = await asyncio.gather(*(way.enter(alice) for _ in range(60)), return_exceptions=True)
            took = passed()
    finally:
        openldap.part.go_on()

    assert all(isinstance(one, DirectoryUnavailable) for one in told)
    assert took < 2.5


async def test_a_directory_that_is_killed_in_mid_bind_is_an_outage(openldap: Town, door: Callable[..., Door]) -> None:
    alice = openldap.person("alice")
    slapd = openldap.part
    assert isinstance(slapd, Slapd)
    way = door(openldap)
    slapd.freeze()  # it takes the connection and the request, and then dies
    waiting = asyncio.create_task(refuse_in_time(way, alice, seconds=10))
    await asyncio.sleep(0.3)
    slapd.kill()
    problem = await waiting
    refused = await refuse_in_time(way, alice, seconds=10)
    slapd.run()

    assert "(127.0.0.1) cannot be reached." in str(problem) + str(refused)
    assert (await way.enter(alice)).principal_id


async def test_outages_do_not_count_as_tries(openldap: Town, door: Callable[..., Door]) -> None:
    alice = openldap.person("alice")
    way = door(openldap, ldap_url="ldap://127.0.0.1:1")

    for _ in range(FREE_TRIES * 2):
        await refuse_in_time(way, alice, seconds=10)

    way.set(ldap_url=openldap.url)
    assert (await way.enter(alice)).principal_id


async def test_while_it_is_away_a_name_of_another_source_gets_no(
    openldap: Town, world: World, door: Callable[..., Door]
) -> None:
    world.user("carol")
    way = door(openldap, ldap_url="ldap://127.0.0.1:1")

    with pytest.raises(CredentialsInvalid):
        await way.enter("carol", "wrong")


async def test_a_remembered_password_works_while_it_is_away(town: Town, door: Callable[..., Door]) -> None:
    alice = town.person("alice")
    way = door(town)
    account = await way.enter(alice)
    town.part.freeze()
    try:
        assert await way.enter(alice) == account
    finally:
        town.part.go_on()


@pytest.mark.parametrize(
    "changes",
    [
        {"ldap_search_password": Secret("wrong")},
        {"ldap_search_password": Secret("")},
        {"ldap_filter": "(broken"},
        {"ldap_uid": "a)(b"},
        {"ldap_base_dn": "dc=other,dc=test"},
        {"ldap_base_dn": "no name"},
        {"ldap_group_admin_dn": "no name"},
        {"ldap_group_base_dn": "cn=gone,dc=example,dc=test", "ldap_group_search_filter": "(x"},
        {"ldap_url": "ldap://no-such-host.invalid"},
        {"ldap_start_tls": True, "ldap_ca_certificate": "nonsense"},
    ],
)
async def test_what_is_set_up_wrong_is_no_wrong_password(
    openldap: Town, door: Callable[..., Door], changes: dict[str, Any]
) -> None:
    await refuse_in_time(door(openldap, **changes), openldap.person("alice"), seconds=10)


# -- TLS --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way_to_tls", ["ldaps", "start_tls"])
async def test_tls_with_an_authority_of_ones_own(town: Town, door: Callable[..., Door], way_to_tls: str) -> None:
    alice = town.person("alice")
    settings = {"ldap_url": town.tls_url} if way_to_tls == "ldaps" else {"ldap_start_tls": True}
    way = door(town, **settings)

    await refuse_in_time(way, alice, seconds=10)  # nobody knows that authority
    way.set(ldap_ca_certificate=replace_authority(town))
    await refuse_in_time(way, alice, seconds=10)
    way.set(ldap_ca_certificate=town.part.authority.pem)
    assert (await way.enter(alice)).principal_id
    way.set(ldap_ca_certificate="", ldap_verify_cert=False)
    assert (await way.enter(alice)).principal_id


def replace_authority(town: Town) -> str:
    """The certificate of somebody else of the same name."""
    return type(town.part.authority)(town.part.name).pem


async def test_a_certificate_for_another_name_is_refused(openldap: Town, door: Callable[..., Door]) -> None:
    alice = openldap.person("alice")
    way = door(openldap, **openldap.tls)
    way.set(ldap_url=way.live.current.ldap_url.replace("127.0.0.1", "127.0.0.2"))
    # nothing listens there; the name in question is one that resolves to the server
    await refuse_in_time(way, alice, seconds=10)
    way.set(ldap_url=openldap.tls_url.replace("127.0.0.1", "localhost"))
    assert (await way.enter(alice)).principal_id


async def test_a_directory_that_hangs_in_the_handshake_is_an_outage(openldap: Town, door: Callable[..., Door]) -> None:
    alice = openldap.person("alice")
    way = door(openldap, ldap_timeout=1, **openldap.tls)
    openldap.part.freeze()
    try:
        await refuse_in_time(way, alice, seconds=2)
    finally:
        openldap.part.go_on()
