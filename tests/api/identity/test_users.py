"""People's accounts: names, addresses, administrators, and what ends their tokens."""

import threading

import pytest
from sqlalchemy import select, update

from moorage.db.unit_of_work import Work
from moorage.errors import EmailInvalid, LastAdministrator, Problem, UserExists, UserNameInvalid, UserUnknown
from moorage.tokens.refresh_tokens import create_refresh_token, list_refresh_tokens
from moorage.users import service as users
from moorage.users.tables import Principal, User
from tests.api.identity.conftest import World, hash_cheaply


def epoch(world: World, user_id: int) -> int:
    found: int = world.scalar(select(Principal.epoch).where(Principal.id == user_id))
    return found


def test_the_first_administrator_is_user_one_and_is_made_once(world: World) -> None:
    assert world.run(users.ensure_admin, "other") is False

    admin = world.run(users.get_user, 1)
    assert (admin.name, admin.admin, admin.disabled) == ("admin", True, False)
    assert world.run(users.get_password_hash, 1) == hash_cheaply("admin-Pass1")
    assert world.user("next") == 2, "the database gives out the id behind it"


def test_an_administrator_who_was_deleted_does_not_come_back(world: World) -> None:
    world.user("other", admin=True)
    world.run(users.delete_user, 1)

    assert world.run(users.ensure_admin, "x") is False
    assert world.run(users.find_user, "admin") is None


@pytest.mark.parametrize(
    ("first", "second"), [("Ann", "ann"), ("ann", "ANN"), ("Stra\u00dfe", "STRASSE"), ("Jose\u0301", "JOS\u00c9")]
)
def test_names_that_differ_by_case_or_form_are_one(world: World, first: str, second: str) -> None:
    world.user(first)

    with pytest.raises(UserExists):
        world.user(second)
    assert world.run(users.get_user_by_name, second).name in {first, "Jos\u00e9"}


def test_a_name_that_breaks_the_rule_is_refused(world: World) -> None:
    for name in ["", " ann", "a,b", 'a"b', "a~b", "a#b", "a%b", "a$b", "a:b", "a\x00b", "a\u202eb", "a" * 256]:
        with pytest.raises(UserNameInvalid):
            world.user(name)


def test_an_address_belongs_to_one_user_without_regard_to_case(world: World) -> None:
    world.user("ann", email="Ann@Example.org")
    world.user("bob")
    world.user("carl")

    with pytest.raises(UserExists):
        world.user("dora", email="ann@example.ORG")
    found = world.run(users.find_user, "ANN@EXAMPLE.ORG")
    assert found is not None
    assert (found.name, found.email) == ("ann", "Ann@Example.org")


def test_an_address_that_is_none_is_refused(world: World) -> None:
    for email in ["ann", "@x", "ann@", "a@b@c", "a b@c", "ann@x.org\n", "a" * 250 + "@x.org", "<a@b>"]:
        with pytest.raises(EmailInvalid):
            world.user("ann", email=email)


def test_a_name_that_is_anothers_address_is_found_first_as_a_name(world: World) -> None:
    world.user("ann", email="bob@example.org")
    named = world.user("bob@example.org")

    found = world.run(users.find_user, "bob@example.org")
    assert found is not None
    assert found.id == named


def test_a_failed_creation_leaves_nothing_behind(world: World) -> None:
    world.user("ann", email="a@example.org")

    def story(work: Work) -> int:
        with pytest.raises(UserExists):
            users.create_user(work, "bob", email="a@example.org")
        return users.create_user(work, "bob", email="b@example.org")

    assert world.run(users.get_user, world.run(story)).email == "b@example.org"


def test_users_are_listed_by_key_in_the_order_of_bytes(world: World) -> None:
    names = ["Zoe", "ann", "\u00e4nne", "bob", "b-b", "b_b"]
    for name in names:
        world.user(name)

    pages = []
    after = ""
    while page := world.run(users.list_users, after=after, limit=2):
        pages += [person.name for person in page]
        after = page[-1].name

    assert pages == ["admin", "ann", "b-b", "b_b", "bob", "Zoe", "\u00e4nne"]


# -- what ends tokens -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "bumps"),
    [
        (lambda work, user: users.set_password(work, user, "new"), 1),
        (lambda work, user: users.set_disabled(work, user, disabled=True), 1),
        (lambda work, user: users.set_disabled(work, user, disabled=False), 1),
        (lambda work, user: users.set_admin(work, user, admin=False), 1),
        (lambda work, user: users.set_admin(work, user, admin=True), 0),
        (lambda work, user: users.set_profile(work, user, email="n@example.org", realname="N", comment=""), 0),
        (users.delete_user, 1),
    ],
    ids=["password", "disabled", "enabled", "demoted", "promoted", "profile", "deleted"],
)
def test_t18_what_takes_something_away_ends_tokens(world: World, change: object, bumps: int) -> None:
    assert callable(change)
    user_id = world.user("ann", admin=True)

    world.run(change, user_id)

    assert epoch(world, user_id) == bumps


@pytest.mark.parametrize("change", ["password", "disable", "demote", "delete"])
async def test_t18_refresh_tokens_go_with_them(world: World, change: str) -> None:
    user_id = world.user("ann", admin=True)
    account = await world.login.authenticate("ann", "ann-Pass1", "192.0.2.1")
    world.run(create_refresh_token, account, service="harbor-registry")
    assert len(world.run(list_refresh_tokens, user_id)) == 1

    if change == "password":
        world.run(users.set_password, user_id, "new")
    elif change == "disable":
        world.run(users.set_disabled, user_id, disabled=True)
    elif change == "demote":
        world.run(users.set_admin, user_id, admin=False)
    else:
        world.run(users.delete_user, user_id)

    assert world.run(list_refresh_tokens, user_id) == []


def test_a_deleted_users_name_and_address_are_free_and_the_id_is_not_used_again(world: World) -> None:
    first = world.user("ann", email="ann@example.org", source="ldap", source_subject="cn=ann")
    world.run(users.delete_user, first)

    second = world.user("ann", email="ann@example.org", source="ldap", source_subject="cn=ann")

    assert second > first
    for story in (users.get_user, users.delete_user, users.get_password_hash):
        with pytest.raises(UserUnknown):
            world.run(story, first)
    with pytest.raises(UserUnknown):
        world.run(users.set_password, first, "x")


# -- the last administrator -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda work: users.set_admin(work, 1, admin=False),
        lambda work: users.set_disabled(work, 1, disabled=True),
        lambda work: users.delete_user(work, 1),
    ],
    ids=["demote", "disable", "delete"],
)
def test_the_last_administrator_stays(world: World, change: object) -> None:
    assert callable(change)
    disabled = world.user("off", admin=True)
    world.run(users.set_disabled, disabled, disabled=True)
    world.user("plain")

    with pytest.raises(LastAdministrator):
        world.run(change)

    assert world.run(users.get_user, 1).admin
    other = world.user("other", admin=True)
    world.run(change)
    with pytest.raises(LastAdministrator):
        world.run(users.delete_user, other)


def test_two_administrators_who_demote_each_other_at_once_leave_one(world: World) -> None:
    for round_number in range(5):
        other = world.user(f"other{round_number}", admin=True)
        world.run(lambda work: work.db.execute(update(User).where(User.principal_id == 1).values(admin=True)))
        barrier = threading.Barrier(2)
        outcomes: list[str] = []

        def demote(user_id: int, barrier: threading.Barrier = barrier, outcomes: list[str] = outcomes) -> None:
            def story(work: Work) -> None:
                users.set_admin(work, user_id, admin=False)

            barrier.wait()
            try:
                world.run(story)
                outcomes.append("done")
            except Problem as problem:
                outcomes.append(type(problem).__name__)

        threads = [threading.Thread(target=demote, args=(user_id,)) for user_id in (1, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(outcomes) == ["LastAdministrator", "done"]
        world.run(lambda work: work.db.execute(update(User).values(admin=User.principal_id == 1)))
