"""People whom another system knows: one account per subject, and never another's (threats.md B3, A6 and A7)."""

import threading
from typing import Any

import pytest
from sqlalchemy import select

from moorage.access.policy import Account, Role
from moorage.access.repository_grants import grant
from moorage.authentication import external_accounts
from moorage.authentication.external_accounts import OIDC_GROUP, GroupRef, Known, clean_groups, ensure_person
from moorage.errors import AccountDisabled, NameTaken, UserNameInvalid
from moorage.events import SYSTEM
from moorage.projects import service as projects
from moorage.tokens.scopes import Scope
from moorage.users import service as users
from moorage.users.tables import Group
from tests.api.identity.conftest import World


def known(name: str = "ann", **changes: Any) -> Known:
    """Ann, as the provider describes her."""
    facts: dict[str, Any] = {"source": "oidc", "subject": f"subject of {name}", "name": name, **changes}
    return Known(**facts)


def groups(*names: str) -> list[GroupRef]:
    return clean_groups(OIDC_GROUP, names)


def group_names(world: World, user_id: int) -> list[str]:
    return world.run(
        lambda work: sorted(row.key for row in work.db.execute(external_accounts._MEMBERSHIPS, {"user": user_id}))
    )


def test_the_first_sign_in_makes_the_account(world: World) -> None:
    account = world.run(
        ensure_person, known(email="ann@example.org", realname="Ann A.", groups=groups("dev"), admin=True)
    )

    person = world.run(users.get_user, account.principal_id)
    assert account == Account(principal_id=person.id, epoch=0, kind="user", name="ann", admin=True)
    assert (person.source, person.email, person.realname, person.admin) == ("oidc", "ann@example.org", "Ann A.", False)
    assert group_names(world, person.id) == ["dev"]


def test_the_next_one_changes_nothing(world: World) -> None:
    facts = known(email="ann@example.org", realname="Ann", groups=groups("dev", "ops"), admin=True)
    first = world.run(ensure_person, facts)
    rows = len(world.audit())

    assert world.run(ensure_person, facts) == first
    assert len(world.audit()) == rows


@pytest.mark.parametrize("taken", ["admin", "ADMIN", "Bob", "bob"])
def test_the_name_of_another_account_is_refused_and_never_merged(world: World, taken: str) -> None:
    world.user("bob", email="bob@example.org")

    with pytest.raises(NameTaken) as caught:
        world.run(ensure_person, known(taken, email="bob@example.org"))

    assert caught.value.status == 409
    assert world.run(users.find_user, "bob@example.org").source == "local"  # type: ignore[union-attr]
    assert world.run(external_accounts.find_person, "oidc", f"subject of {taken}") is None


def test_another_subject_with_the_same_name_is_somebody_else(world: World) -> None:
    world.run(ensure_person, known("ann", subject="1"))

    with pytest.raises(NameTaken):
        world.run(ensure_person, known("ann", subject="2"))
    with pytest.raises(NameTaken):
        world.run(ensure_person, known("ann", subject="1", source="ldap"))


def test_a_new_name_at_the_source_is_the_same_person(world: World) -> None:
    before = world.run(ensure_person, known("ann", subject="1"))

    after = world.run(ensure_person, known("anna", subject="1"))

    assert after == before


def test_an_account_follows_its_persons_name_where_the_source_rules_names(world: World) -> None:
    before = world.run(ensure_person, known("ann", subject="1"))

    after = world.run(ensure_person, known("anna", subject="1", follow_name=True))

    assert (after.principal_id, after.name, after.epoch) == (before.principal_id, "anna", before.epoch)
    assert world.run(ensure_person, known("ann", subject="2")).principal_id != before.principal_id


@pytest.mark.parametrize("name", ["bob", "BOB", "a,b", ""])
def test_a_new_name_that_is_taken_or_cannot_be_one_is_not_followed(world: World, name: str) -> None:
    world.user("bob")
    world.run(ensure_person, known("ann", subject="1"))

    assert world.run(ensure_person, known(name, subject="1", follow_name=True)).name == "ann"


def test_an_account_that_was_released_is_taken_over_by_the_next_person_of_its_name(world: World) -> None:
    old = world.run(ensure_person, known("ann", subject="1"))
    with pytest.raises(NameTaken):
        world.run(ensure_person, known("ann", subject="2"))
    world.run(external_accounts.release_subject, old.principal_id)
    with pytest.raises(NameTaken):
        world.run(ensure_person, known("ann", subject="2", source="ldap"))

    new = world.run(ensure_person, known("ann", subject="2"))

    assert (new.principal_id, new.epoch) == (old.principal_id, old.epoch + 1)
    with pytest.raises(NameTaken):
        world.run(ensure_person, known("ann", subject="1"))


def test_an_address_never_makes_two_people_one(world: World) -> None:
    bob = world.user("bob", email="bob@example.org")

    account = world.run(ensure_person, known("mallory", email="BOB@example.org"))

    assert account.principal_id != bob
    assert world.run(users.get_user, account.principal_id).email is None
    assert world.run(users.find_user, "bob@example.org").id == bob  # type: ignore[union-attr]


@pytest.mark.parametrize("subject", ["s" * 255, "s" * 256, "s" * 256 + "x", "a\0", "\ud800"])
def test_each_subject_is_one_person(world: World, subject: str) -> None:
    one = world.run(ensure_person, known("ann", subject=subject, realname="A\0n\nn" + "x" * 300))
    other = world.run(ensure_person, known("bob", subject=subject + "2"))

    assert one.principal_id != other.principal_id
    assert world.run(ensure_person, known("ann", subject=subject)) == one
    assert world.run(users.get_user, one.principal_id).realname == "Ann" + "x" * 250


def test_a_later_address_of_somebody_else_is_left_out_too(world: World) -> None:
    world.user("bob", email="bob@example.org")
    world.run(ensure_person, known("ann", email="ann@example.org"))

    account = world.run(ensure_person, known("ann", email="bob@example.org", realname="Ann B."))

    person = world.run(users.get_user, account.principal_id)
    assert (person.email, person.realname) == ("ann@example.org", "Ann B.")


@pytest.mark.parametrize("email", ["nonsense", "a@b@c", "", None, "x" * 300 + "@example.org"])
def test_what_is_no_address_is_none(world: World, email: str | None) -> None:
    account = world.run(ensure_person, known(email=email))

    assert world.run(users.get_user, account.principal_id).email is None


@pytest.mark.parametrize(
    "name", ["", "a/b", "../x", "a,b", "robot$x", 'a"b', "a:b", " a", "a\n", "a\0", "\u202eadmin", "x" * 256]
)
def test_a_name_that_cannot_be_one_is_refused(world: World, name: str) -> None:
    with pytest.raises(UserNameInvalid):
        world.run(ensure_person, known(name))


def test_a_disabled_account_does_not_come_in(world: World) -> None:
    account = world.run(ensure_person, known(groups=groups("dev")))
    world.run(users.set_disabled, account.principal_id, disabled=True)

    with pytest.raises(AccountDisabled):
        world.run(ensure_person, known(groups=groups("ops")))

    assert group_names(world, account.principal_id) == ["dev"]


def test_groups_are_exactly_those_of_the_last_sign_in(world: World) -> None:
    account = world.run(ensure_person, known(groups=groups("dev", "ops")))

    world.run(ensure_person, known(groups=groups("ops", "qa")))
    changed = group_names(world, account.principal_id)
    world.run(ensure_person, known(groups=None))
    unsaid = group_names(world, account.principal_id)
    world.run(ensure_person, known(groups=[]))
    none = group_names(world, account.principal_id)

    assert (changed, unsaid, none) == (["ops", "qa"], ["ops", "qa"], [])
    assert world.run(lambda work: work.db.scalars(select(Group.key).order_by(Group.key)).all()) == ["dev", "ops", "qa"]


async def test_groups_carry_rights_at_once(world: World) -> None:
    project_id = world.project("team")
    account = world.run(ensure_person, known(groups=groups("dev")))
    group_id = world.scalar(select(Group.id))
    world.run(projects.set_group_member, project_id, group_id, Role.DEVELOPER)
    asked = [Scope("repository", "team/app", ("pull", "push"))]

    with_group = await grant(world.database.read, account, asked)
    world.run(ensure_person, known(groups=[]))
    without = await grant(world.database.read, account, asked)

    assert with_group.entries["team/app"].actions == {"pull", "push"}
    assert without.entries == {}


def test_losing_a_group_or_the_administrators_rights_ends_what_was_issued(world: World) -> None:
    start = world.run(ensure_person, known(groups=groups("dev"), admin=True))

    more = world.run(ensure_person, known(groups=groups("dev", "ops"), admin=True))
    lost_group = world.run(ensure_person, known(groups=groups("ops"), admin=True))
    lost_admin = world.run(ensure_person, known(groups=groups("ops")))

    assert [one.epoch - start.epoch for one in (more, lost_group, lost_admin)] == [0, 1, 2]
    assert [one.admin for one in (start, more, lost_group, lost_admin)] == [True, True, True, False]


def test_an_administrator_made_here_stays_one_whatever_the_source_says(world: World) -> None:
    account = world.run(ensure_person, known(admin=True))
    world.run(users.set_admin, account.principal_id, admin=True)

    assert world.run(ensure_person, known()).admin


HUGE = ["g" * 256, "", " ", "a\nb", 7, None, {"a": 1}, ["x"], True]


def test_groups_that_cannot_be_are_left_out() -> None:
    assert clean_groups(OIDC_GROUP, ["dev", *HUGE, "dev", "Dev"]) == groups("dev", "Dev")
    assert len(clean_groups(OIDC_GROUP, (f"g{number}" for number in range(100_000)))) == 1000


def test_two_first_sign_ins_at_once_make_one_account(world: World) -> None:
    facts = known(groups=groups("dev", "ops"))
    accounts: list[Account] = []
    together = threading.Barrier(4)

    def sign_in() -> None:
        together.wait()
        accounts.append(world.database.run_here(SYSTEM, ensure_person, facts))

    threads = [threading.Thread(target=sign_in) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({account.principal_id for account in accounts}) == 1
    assert len(accounts) == 4
    assert group_names(world, accounts[0].principal_id) == ["dev", "ops"]
