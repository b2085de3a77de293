"""Signing in by LDAP: OpenLDAP and Active Directory, both real, through one suite (threats.md I4, A7)."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from moorage.access.policy import Account, Role
from moorage.access.repository_grants import grant
from moorage.authentication.external_accounts import LDAP_GROUP
from moorage.errors import CredentialsInvalid, DirectoryUnavailable, LoginThrottled, NameTaken
from moorage.ldap.names import fold_dn
from moorage.projects import service as projects
from moorage.tokens.scopes import Scope
from moorage.users import groups as groups_module
from moorage.users import service as users
from moorage.users.login_throttle import FREE_TRIES
from moorage.users.tables import Group, GroupMember, Principal
from tests.api.identity.conftest import ADDRESS, Door, World
from tests.api.identity.directories import PASSWORD, Town

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""What a sign-in writes has its tests on both databases in test_people.py."""


def groups_of(world: World, account: Account) -> list[str]:
    statement = (
        select(Group.name)
        .join(GroupMember, GroupMember.group_id == Group.id)
        .where(GroupMember.principal_id == account.principal_id)
        .order_by(Group.name)
    )
    return world.run(lambda work: list(work.db.scalars(statement)))


# -- who comes in -----------------------------------------------------------------------------------------


async def test_the_first_sign_in_makes_the_account(town: Town, world: World, door: Callable[..., Door]) -> None:
    alice = town.person("Alice", displayName="Alice A.")

    account = await door(town).enter(alice)

    found = world.run(users.get_user, account.principal_id)
    assert (found.name, found.source, found.realname) == (alice.name.lower(), "ldap", "Alice A.")
    assert found.email == f"{alice.name.lower()}@example.test"
    assert not account.admin
    created = next(row for row in world.audit() if row[:3] == ("create", "user", found.name))
    assert created[3], "with whom it was, in the audit log"


async def test_case_does_not_matter_and_the_account_is_one(town: Town, door: Callable[..., Door]) -> None:
    alice = town.person("Alice")
    way = door(town)

    ids = {(await way.enter(name)).principal_id for name in (alice.name, alice.name.upper(), alice.name.lower())}

    assert len(ids) == 1


async def test_the_address_works_as_a_name_once_the_account_is_there(town: Town, door: Callable[..., Door]) -> None:
    alice = town.person("alice")
    way = door(town)
    with pytest.raises(CredentialsInvalid):
        await way.enter(f"{alice.name}@example.test")
    account = await way.enter(alice)
    way.set(ldap_filter="(objectClass=*)")  # nothing is remembered under other settings

    assert await way.enter(f"{alice.name}@example.test") == account


WRONG = ("wrong", "", " ", PASSWORD + "\0", PASSWORD.upper(), "x" * 2000, "\ud800")


async def test_a_wrong_password_is_401_and_so_is_an_empty_one(
    town: Town, world: World, door: Callable[..., Door]
) -> None:
    alice = town.person("alice")

    for password in WRONG:
        with pytest.raises(CredentialsInvalid):
            await door(town).enter(alice, password)

    assert world.run(users.find_user, alice.name) is None
    assert world.refused.refusals == [(alice.name, "login", alice.name)] * len(WRONG)


TYPED = (
    "*", "al*", "{0})(|(uid=*", "*)(uid=*))(|(uid=*", "{0})(&)", "{0}\0", "\\2a", "{0} ", "(cn=*)",
    "{0})(objectClass=*", "{dn}", "\uff41lice{number}", "álice{number}", "nobody", "",
)  # fmt: skip


async def test_what_is_typed_is_never_a_filter(town: Town, world: World, door: Callable[..., Door]) -> None:
    alice = town.person("alice")
    way = door(town)

    for name in TYPED:
        with pytest.raises(CredentialsInvalid):
            await way.enter(name.format(alice.name, dn=alice.dn, number=town.number))

    assert world.run(users.find_user, alice.name) is None


@pytest.mark.parametrize(
    "rdn", ["Møller\\, Åse \\+ Söhne", 'a\\=b \\"c\\" \\<d\\>\\;', "\\#1 in line", "Überall  Ümlaut"]
)
async def test_a_dn_with_commas_spaces_and_umlauts(
    town: Town, world: World, door: Callable[..., Door], rdn: str
) -> None:
    alice = town.person("alice", rdn=rdn)
    group = town.group("Größe, und so".replace(", ", "\\, "), alice)

    account = await door(town).enter(alice)

    assert groups_of(world, account) == [town.name("Größe, und so")]
    key = world.scalar(select(Group.key))
    assert key == fold_dn(group) == fold_dn(group.upper().replace(",OU=", " , OU = "))


async def test_a_filter_and_a_scope_decide_who_is_there(town: Town, door: Callable[..., Door]) -> None:
    alice, bob = town.person("alice", description="in"), town.person("bob", description="out")
    way = door(town, ldap_filter="(description=in)")

    assert (await way.enter(alice)).principal_id
    with pytest.raises(CredentialsInvalid):
        await way.enter(bob)

    way.set(ldap_filter="", ldap_scope=0)
    with pytest.raises(CredentialsInvalid):
        await way.enter(alice)
    way.set(ldap_scope=1)
    assert (await way.enter(bob)).principal_id


async def test_a_name_that_two_entries_have_signs_nobody_in(openldap: Town, door: Callable[..., Door]) -> None:
    alice = openldap.person("alice")
    openldap.person("alice", rdn="another")

    with pytest.raises(CredentialsInvalid):
        await door(openldap).enter(alice)


async def test_an_entry_that_the_directory_locked_is_refused(ad: Town, world: World, door: Callable[..., Door]) -> None:
    alice = ad.person("alice")
    way = door(ad)
    await way.enter(alice)

    ad.change(alice.dn, "replace", "userAccountControl", "514")
    world.clock.now += 301

    with pytest.raises(CredentialsInvalid):
        await way.enter(alice)


async def test_an_account_that_was_disabled_here_is_refused(
    town: Town, world: World, door: Callable[..., Door]
) -> None:
    alice = town.person("alice")
    way = door(town)
    account = await way.enter(alice)

    world.run(users.set_disabled, account.principal_id, disabled=True)

    with pytest.raises(CredentialsInvalid):
        await way.enter(alice)


# -- one person, one account ------------------------------------------------------------------------------


async def test_a_renamed_entry_stays_the_same_account(town: Town, world: World, door: Callable[..., Door]) -> None:
    way = door(town)
    alice = town.person("alice")
    before = await way.enter(alice)

    alicia = town.rename(alice, "alicia")
    after = await way.enter(alicia)

    assert (after.principal_id, after.name) == (before.principal_id, alicia.name)
    world.clock.now += 301
    with pytest.raises(CredentialsInvalid):
        await way.enter(alice)


async def test_a_recreated_entry_inherits_nothing(town: Town, world: World, door: Callable[..., Door]) -> None:
    way = door(town)
    alice = town.person("alice")
    before = await way.enter(alice)
    town.remove(alice.dn)
    again = town.person("alice")
    world.clock.now += 301

    with pytest.raises(NameTaken):
        await way.enter(again)

    world.run(users.delete_user, before.principal_id)
    assert (await way.enter(again)).principal_id != before.principal_id


@pytest.mark.parametrize("spelling", ["lower", "upper"])
async def test_a_person_of_two_sources_is_refused_with_a_message(
    town: Town, world: World, door: Callable[..., Door], spelling: str
) -> None:
    alice = town.person("alice")
    local = world.user(getattr(alice.name, spelling)())
    way = door(town)

    with pytest.raises(NameTaken, match="signs in another way"):
        await way.enter(alice)

    entered = await way.enter(alice, f"{getattr(alice.name, spelling)()}-Pass1")
    assert entered.principal_id == local
    assert world.run(users.get_user, local).source == "local"


async def test_the_password_of_a_local_administrator_never_leaves(
    openldap: Town, world: World, door: Callable[..., Door]
) -> None:
    openldap.person("root")
    world.user(openldap.name("root"), admin=True, email="root@example.org")
    way = door(openldap, ldap_url="ldap://127.0.0.1:1")

    for name in (openldap.name("root"), "root@example.org"):
        with pytest.raises(CredentialsInvalid):
            await way.enter(name)


async def test_without_local_as_a_source_only_the_first_administrator_has_a_password_here(
    openldap: Town, world: World, door: Callable[..., Door]
) -> None:
    world.user("carol")
    way = door(openldap, auth_sources=("ldap",))

    assert (await way.enter("admin", "admin-Pass1")).principal_id == 1
    with pytest.raises(CredentialsInvalid):
        await way.enter("carol", "carol-Pass1")
    way.set(auth_sources=("ldap", "local"))
    assert (await way.enter("carol", "carol-Pass1")).principal_id


async def test_without_ldap_as_a_source_the_directory_is_not_asked(openldap: Town, door: Callable[..., Door]) -> None:
    alice = openldap.person("alice")
    way = door(openldap)
    await way.enter(alice)

    way.set(auth_sources=("local",))

    with pytest.raises(CredentialsInvalid):
        await way.enter(alice)


# -- groups -----------------------------------------------------------------------------------------------


async def test_groups_are_those_of_the_directory_now(town: Town, world: World, door: Callable[..., Door]) -> None:
    alice = town.person("alice")
    ops, dev = town.group("ops", alice, town.person("bob")), town.group("dev", alice)
    town.group("others", town.person("carol"))
    way = door(town)

    first = await way.enter(alice)
    assert groups_of(world, first) == [town.name("dev"), town.name("ops")]

    town.leave(ops, alice)
    town.join(town.group("qa"), alice)
    world.clock.now += 301
    second = await way.enter(alice)

    assert groups_of(world, second) == [town.name("dev"), town.name("qa")]
    assert second.epoch == first.epoch + 1, "what was issued before says too much"
    assert world.run(groups_module.find_group, LDAP_GROUP, fold_dn(dev)) is not None


async def test_a_lost_group_ends_its_rights_with_the_next_sign_in(
    town: Town, world: World, door: Callable[..., Door]
) -> None:
    alice = town.person("alice")
    ops = town.group("ops", alice, town.person("bob"))
    project = world.project("team")
    made = world.run(groups_module.create_group, LDAP_GROUP, fold_dn(ops.upper()), "ops")
    world.run(projects.set_group_member, project, made, Role.DEVELOPER)
    way, asked = door(town), [Scope("repository", "team/app", ("pull", "push"))]

    account = await way.enter(alice)
    granted = await grant(world.database.read, account, asked)
    assert granted.entries["team/app"].actions == {"pull", "push"}

    town.leave(ops, alice)
    world.clock.now += 301
    after = await way.enter(alice)

    assert (await grant(world.database.read, after, asked)).entries == {}
    assert world.scalar(select(Principal.epoch).where(Principal.id == account.principal_id)) > account.epoch


async def test_groups_in_groups_count_when_they_are_to(town: Town, world: World, door: Callable[..., Door]) -> None:
    alice = town.person("alice")
    inner = town.group("inner", alice)
    middle = town.group("middle", inner)
    outer = town.group("outer", middle)
    town.join(inner, outer)  # a circle
    way = door(town)

    assert groups_of(world, await way.enter(alice)) == [town.name("inner")]

    way.set(ldap_nested_groups=True)
    names = [town.name(word) for word in ("inner", "middle", "outer")]
    assert groups_of(world, await way.enter(alice)) == names


async def test_the_group_of_administrators_makes_and_unmakes_them(
    town: Town, world: World, door: Callable[..., Door]
) -> None:
    alice, bob = town.person("alice"), town.person("bob")
    admins = town.group("Big Admins", alice, bob)
    spelled = admins.upper().replace(f",{town.base.upper()}", f" , {town.base.upper()}")
    way = door(town, ldap_group_admin_dn=spelled)

    first = await way.enter(alice)
    assert first.admin
    assert not world.run(users.get_user, first.principal_id).admin, "it is the source's word, not ours"

    town.leave(admins, alice)
    world.clock.now += 301
    second = await way.enter(alice)

    assert (second.admin, second.epoch > first.epoch) == (False, True)


async def test_the_group_of_administrators_may_be_outside_of_the_groups_and_nested(
    town: Town, door: Callable[..., Door]
) -> None:
    alice = town.person("alice")
    admins = town.group("admins", town.group("inner", alice))
    way = door(town, ldap_group_admin_dn=admins, ldap_group_base_dn="")

    assert not (await way.enter(alice)).admin
    way.set(ldap_nested_groups=True)
    assert (await way.enter(alice)).admin
    way.set(ldap_group_admin_dn=f"cn=gone,{town.base}")
    assert not (await way.enter(alice)).admin


async def test_groups_are_found_without_an_attribute_that_names_them(
    openldap: Town, world: World, door: Callable[..., Door]
) -> None:
    alice = openldap.person("alice")
    openldap.group("ops", alice)
    dn = f"cn={openldap.name('unix')},{openldap.base}"
    entry = f"dn: {dn}\nobjectClass: posixGroup\ncn: {openldap.name('unix')}\ngidNumber: 7\nmemberUid: {alice.name}\n"
    openldap.part.modify(entry, add=True)
    way = door(openldap, ldap_group_membership_attribute="", ldap_group_search_filter="")

    assert groups_of(world, await way.enter(alice)) == [openldap.name("ops"), openldap.name("unix")]


async def test_only_groups_below_their_base_that_match_the_filter_count(
    town: Town, world: World, door: Callable[..., Door]
) -> None:
    alice = town.person("alice")
    ops = town.group("ops", alice)
    town.change(ops, "add", "description", "yes")
    town.group("dev", alice)
    way = door(town, ldap_group_search_filter="(description=yes)")

    assert groups_of(world, await way.enter(alice)) == [town.name("ops")]
    way.set(ldap_group_search_filter="", ldap_group_base_dn=ops)
    assert groups_of(world, await way.enter(alice)) == [town.name("ops")]
    way.set(ldap_group_search_scope=1)
    assert groups_of(world, await way.enter(alice)) == []
    way.set(ldap_group_base_dn="")
    assert groups_of(world, await way.enter(alice)) == []


async def test_more_than_a_page_of_groups(openldap: Town, world: World, door: Callable[..., Door]) -> None:
    alice = openldap.person("alice")
    names = [f"g{number:04}" for number in range(620)]
    entries = [
        f"dn: cn={name},{openldap.base}\nobjectClass: groupOfNames\ncn: {name}\nmember: {alice.dn}\n" for name in names
    ]
    openldap.part.modify("\n".join(entries), add=True)

    assert groups_of(world, await door(openldap, ldap_timeout=10).enter(alice)) == names


# -- remembered passwords ---------------------------------------------------------------------------------


async def test_a_password_is_remembered_for_five_minutes_and_no_longer(
    town: Town, world: World, door: Callable[..., Door]
) -> None:
    alice = town.person("alice")
    way = door(town)
    account = await way.enter(alice)
    checks = len(world.checks)

    town.set_password(alice, "An0ther-password")
    assert await way.enter(alice) == account
    assert len(world.checks) == checks, "and nothing is hashed for it"
    assert await way.enter(alice, "An0ther-password") == account

    world.clock.now += 301
    with pytest.raises(CredentialsInvalid):
        await way.enter(alice)


async def test_other_settings_or_a_new_epoch_forget_what_was_remembered(
    town: Town, world: World, door: Callable[..., Door]
) -> None:
    alice = town.person("alice")
    way = door(town)
    account = await way.enter(alice)
    assert await way.backend.recall(alice.name, PASSWORD) == account

    way.set(ldap_filter="(objectClass=nothing)")
    assert await way.backend.recall(alice.name, PASSWORD) is None
    with pytest.raises(CredentialsInvalid):
        await way.enter(alice)

    way.set(ldap_filter="")
    assert await way.backend.recall(alice.name, PASSWORD) == account
    world.run(lambda work: users.bump_epoch(work, account.principal_id))
    assert await way.backend.recall(alice.name, PASSWORD) is None


async def test_wrong_passwords_slow_down(town: Town, door: Callable[..., Door]) -> None:
    alice = town.person("alice")
    way = door(town)

    for _ in range(FREE_TRIES):
        with pytest.raises(CredentialsInvalid):
            await way.enter(alice, "wrong")

    with pytest.raises(LoginThrottled):
        await way.enter(alice)


# -- what works without a password ------------------------------------------------------------------------


async def test_who_came_in_before_is_confirmed_every_five_minutes(
    town: Town, world: World, door: Callable[..., Door]
) -> None:
    alice = town.person("alice")
    ops = town.group("ops", alice, town.person("bob"))
    way = door(town)
    account = await way.enter(alice)
    town.part.freeze()
    try:
        assert await way.login.confirm(account, ADDRESS) == account, "the directory is not asked"
    finally:
        town.part.go_on()
    world.clock.now += 301
    assert await way.login.confirm(account, ADDRESS) == account

    town.leave(ops, alice)
    world.clock.now += 301
    assert await way.login.confirm(account, ADDRESS) is None, "what was issued before says too much"
    assert groups_of(world, account) == []


@pytest.mark.parametrize("how", ["removed", "filtered", "no source"])
async def test_who_is_gone_loses_what_was_issued(town: Town, world: World, door: Callable[..., Door], how: str) -> None:
    alice = town.person("alice", description="in")
    way = door(town, ldap_filter="(description=in)")
    account = await way.enter(alice)
    if how == "removed":
        town.remove(alice.dn)
    elif how == "filtered":
        town.change(alice.dn, "replace", "description", "out")
    else:
        way.set(auth_sources=("local",))
    world.clock.now += 301

    assert await way.login.confirm(account, ADDRESS) is None

    epoch = world.scalar(select(Principal.epoch).where(Principal.id == account.principal_id))
    assert (epoch > account.epoch) == (how != "no source")


async def test_a_locked_entry_loses_what_was_issued(ad: Town, world: World, door: Callable[..., Door]) -> None:
    alice = ad.person("alice")
    way = door(ad)
    account = await way.enter(alice)
    ad.change(alice.dn, "replace", "userAccountControl", "514")
    world.clock.now += 301

    assert await way.login.confirm(account, ADDRESS) is None


async def test_an_outage_confirms_nobody_and_ends_nothing(
    openldap: Town, world: World, door: Callable[..., Door]
) -> None:
    alice = openldap.person("alice")
    way = door(openldap)
    account = await way.enter(alice)
    local = await way.enter("admin", "admin-Pass1")
    world.clock.now += 301
    way.set(ldap_timeout=1)
    openldap.part.freeze()
    try:
        with pytest.raises(DirectoryUnavailable):
            await way.login.confirm(account, ADDRESS)
        assert await way.login.confirm(local, ADDRESS) == local
    finally:
        openldap.part.go_on()
    way.set(ldap_timeout=20)
    world.clock.now += 3

    assert await way.login.confirm(account, ADDRESS) == account
