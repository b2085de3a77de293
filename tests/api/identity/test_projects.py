"""Projects and members: names, visibility, deletion, and what ends tokens."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, update

from moorage.access.policy import Role
from moorage.access.tables import RoleBinding
from moorage.db.unit_of_work import Work
from moorage.errors import (
    MemberUnknown,
    Problem,
    ProjectExists,
    ProjectNameInvalid,
    ProjectNotEmpty,
    ProjectUnknown,
    QuotaInvalid,
    RoleInvalid,
    UserUnknown,
)
from moorage.projects import service as projects
from moorage.projects.tables import Project, Trash
from moorage.quotas import service as quotas
from moorage.robots import accounts
from moorage.users.tables import Group, Principal
from tests.api.identity.conftest import World


def epoch_of_user(world: World, user_id: int) -> int:
    found: int = world.scalar(select(Principal.epoch).where(Principal.id == user_id))
    return found


def epoch_of(world: World, project_id: int) -> int:
    found: int = world.scalar(select(Project.epoch).where(Project.id == project_id))
    return found


def make_group(world: World) -> int:
    def story(work: Work) -> int:
        row = insert(Group).values(kind=1, name="devs", key="cn=devs", created_at=work.now)
        return work.db.execute(row.returning(Group.id)).scalar_one()

    return world.run(story)


def test_the_library_is_project_one_and_is_made_once(world: World) -> None:
    assert world.run(projects.ensure_library) is True
    assert world.run(projects.ensure_library) is False

    library = world.run(projects.get_project, "library")
    assert (library.id, library.public, library.owner_id) == (1, True, 1)
    assert [(one.name, one.role) for one in world.run(projects.list_members, 1)] == [("admin", Role.PROJECT_ADMIN)]
    assert world.project("next") == 2


def test_a_library_that_was_deleted_does_not_come_back(world: World) -> None:
    world.run(projects.ensure_library)
    world.run(projects.delete_project, 1)

    assert world.run(projects.ensure_library) is False
    assert world.run(projects.find_project, "library") is None


def test_its_owner_is_project_admin_and_it_has_a_counter(world: World) -> None:
    ann = world.user("ann")

    team = world.run(projects.create_project, "team", owner_id=ann, limit_bytes=1000)

    assert (team.name, team.owner_id, team.public, team.epoch, team.repository_count) == ("team", ann, False, 0, 0)
    assert [(one.kind, one.holder_id, one.role) for one in world.run(projects.list_members, team.id)] == [
        ("user", ann, Role.PROJECT_ADMIN)
    ]
    assert world.run(quotas.get_usage, team.id) == quotas.Usage(0, 0, 1000)


def test_a_name_that_breaks_the_rule_is_refused(world: World) -> None:
    for name in ["", "Team", "a/b", "a__b", "-a", "a-", "a b", "a" * 256, "t\u00e9am", "a\n"]:
        with pytest.raises(ProjectNameInvalid):
            world.project(name)


def test_a_name_is_taken_once_and_the_refusal_leaves_the_transaction_usable(world: World) -> None:
    world.project("team")

    def story(work: Work) -> str:
        with pytest.raises(ProjectExists):
            projects.create_project(work, "team")
        return projects.create_project(work, "other").name

    assert world.run(story) == "other"


def test_of_many_who_create_the_same_project_one_does(world: World) -> None:
    barrier = threading.Barrier(8)
    outcomes: list[str] = []

    def create() -> None:
        barrier.wait()
        try:
            world.project("team")
            outcomes.append("done")
        except Problem as problem:
            outcomes.append(type(problem).__name__)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["ProjectExists"] * 7 + ["done"]


def test_a_bad_limit_or_owner_creates_nothing(world: World) -> None:
    for limit in (0, -2, 2**50 + 1):
        with pytest.raises(QuotaInvalid):
            world.project("team", limit_bytes=limit)
    with pytest.raises(UserUnknown):
        world.project("team", owner_id=999)

    assert world.run(projects.list_projects) == []


def test_projects_are_listed_by_key_in_the_order_of_bytes(world: World) -> None:
    for name in ("b_b", "a", "b-b", "b", "b.b", "ba"):
        world.project(name)

    pages = []
    after = ""
    while page := world.run(projects.list_projects, after=after, limit=2):
        pages += [project.name for project in page]
        after = page[-1].name

    assert pages == ["a", "b", "b-b", "b.b", "b_b", "ba"]


# -- visibility -------------------------------------------------------------------------------------------


def everyone(world: World, project_id: int) -> int:
    found: int = world.scalar(
        select(func.count()).select_from(RoleBinding).where(RoleBinding.project_id == project_id, RoleBinding.role == 0)
    )
    return found


def test_a_public_project_is_a_binding_to_everyone_and_going_private_ends_tokens(world: World) -> None:
    team = world.project("team", public=True)
    assert (everyone(world, team), epoch_of(world, team)) == (1, 0)

    world.run(projects.set_public, team, public=False)
    assert (everyone(world, team), epoch_of(world, team)) == (0, 1)
    world.run(projects.set_public, team, public=False)
    assert epoch_of(world, team) == 1

    world.run(projects.set_public, team, public=True)
    world.run(projects.set_public, team, public=True)
    assert (everyone(world, team), epoch_of(world, team)) == (1, 1)
    assert world.run(projects.get_project, "team").public


# -- deletion ---------------------------------------------------------------------------------------------


def test_a_project_with_repositories_is_not_deleted(world: World) -> None:
    team = world.project("team")
    world.run(lambda work: work.db.execute(update(Project).where(Project.id == team).values(repository_count=2)))

    with pytest.raises(ProjectNotEmpty) as caught:
        world.run(projects.delete_project, team)

    assert caught.value.detail == {"name": "team", "repositories": 2}
    assert world.run(projects.get_project, "team").id == team


def test_a_deleted_project_is_gone_its_name_is_free_and_it_waits_in_the_trash(world: World) -> None:
    team = world.project("team")
    robot = world.run(
        accounts.create_robot, "ci", [accounts.Permission("repository", "pull", team)], project=(team, "team")
    )
    everywhere = world.run(accounts.create_robot, "all", [accounts.Permission("repository", "pull", team)])

    world.run(projects.delete_project, team, reason="old")

    assert world.run(projects.find_project, "team") is None
    for story in (projects.get_project_by_id, projects.delete_project):
        with pytest.raises(ProjectUnknown):
            world.run(story, team)
    with pytest.raises(ProjectUnknown):
        world.run(projects.set_public, team, public=True)
    with pytest.raises(ProjectUnknown):
        world.member(team, 1, Role.GUEST)
    row = world.run(
        lambda work: work.db.execute(
            select(Trash.kind, Trash.label, Trash.reason, Trash.principal_id, Trash.purge_at, Trash.deleted_at)
        ).one()
    )
    assert tuple(row[:4]) == ("project", "team", "old", 1)
    assert round((row.purge_at - row.deleted_at) / timedelta(days=1), 3) == 7  # two clocks
    assert epoch_of(world, team) == 1
    assert world.project("team") > team
    assert epoch_of_user(world, robot.id) == 1
    assert world.run(accounts.list_permissions, everywhere.id) == []
    assert (
        world.run(accounts.create_robot, "ci", [], project=(world.run(projects.get_project, "team").id, "team")).name
        == "team+ci"
    )


# -- members ----------------------------------------------------------------------------------------------

RANKED = [Role.PROJECT_ADMIN, Role.MAINTAINER, Role.DEVELOPER, Role.GUEST, Role.LIMITED_GUEST]


def test_t18_a_lower_role_ends_the_users_tokens_and_a_higher_one_does_not(world: World) -> None:
    for before in RANKED:
        for after in RANKED:
            team, ann = world.project(f"team{before}{after}"), world.user(f"ann{before}{after}")
            first = world.member(team, ann, before)
            assert epoch_of_user(world, ann) == 0

            second = world.member(team, ann, after)

            assert first == second
            assert epoch_of_user(world, ann) == int(RANKED.index(after) > RANKED.index(before)), (before, after)
            assert [one.role for one in world.run(projects.list_members, team)] == [after]


def test_t18_a_member_who_is_removed_loses_tokens(world: World) -> None:
    team, ann = world.project("team"), world.user("ann")
    world.member(team, ann, Role.GUEST)

    world.run(projects.remove_member, team, ann)

    assert epoch_of_user(world, ann) == 1
    with pytest.raises(MemberUnknown):
        world.run(projects.remove_member, team, ann)
    assert epoch_of_user(world, ann) == 1


def test_a_groups_role_ends_the_projects_tokens_instead(world: World) -> None:
    team, group = world.project("team"), make_group(world)

    world.run(projects.set_group_member, team, group, Role.DEVELOPER)
    world.run(projects.set_group_member, team, group, Role.MAINTAINER)
    assert epoch_of(world, team) == 0
    world.run(projects.set_group_member, team, group, Role.GUEST)
    assert epoch_of(world, team) == 1
    assert [(one.kind, one.name, one.role) for one in world.run(projects.list_members, team)] == [
        ("group", "devs", Role.GUEST)
    ]
    world.run(projects.remove_group_member, team, group)
    assert epoch_of(world, team) == 2
    with pytest.raises(MemberUnknown):
        world.run(projects.remove_group_member, team, group)
    with pytest.raises(MemberUnknown):
        world.run(projects.set_group_member, team, group + 1, Role.GUEST)


@pytest.mark.parametrize("role", [0, 6, -1])
def test_a_role_that_cannot_be_given_is_refused(world: World, role: int) -> None:
    team, ann = world.project("team"), world.user("ann")

    with pytest.raises(RoleInvalid):
        world.run(projects.set_member, team, ann, role)  # type: ignore[arg-type]  # what a client may send


def test_members_are_listed_by_page_without_everyone(world: World) -> None:
    team = world.project("team", public=True)
    for n in range(5):
        world.member(team, world.user(f"user{n}"), Role.GUEST)

    seen = []
    after = 0
    while page := world.run(projects.list_members, team, after=after, limit=2):
        seen += [one.name for one in page]
        after = page[-1].id

    assert seen == [f"user{n}" for n in range(5)]
