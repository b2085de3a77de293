"""Groups that an administrator makes known, renames and deletes."""

import pytest
from sqlalchemy import select

from moorage.access.policy import Role
from moorage.authentication.external_accounts import LDAP_GROUP, OIDC_GROUP, GroupRef, Known, ensure_person
from moorage.errors import GroupExists, GroupNameInvalid, GroupUnknown
from moorage.projects import service as projects
from moorage.users import groups
from moorage.users.tables import Principal
from tests.api.identity.conftest import World

OPS = GroupRef(LDAP_GROUP, "cn=ops,dc=x", "ops")


def ann(*held: GroupRef) -> Known:
    return Known(source="ldap", subject="1", name="ann", groups=held)


def test_a_group_is_known_by_its_kind_and_key(world: World) -> None:
    made = world.run(groups.create_group, LDAP_GROUP, OPS.key, "ops")

    with pytest.raises(GroupExists):
        world.run(groups.create_group, LDAP_GROUP, OPS.key, "other")
    other = world.run(groups.create_group, OIDC_GROUP, OPS.key, "ops")

    assert world.run(groups.ensure_group, LDAP_GROUP, OPS.key, "another name") == made != other
    found = world.run(groups.find_group, LDAP_GROUP, OPS.key)
    assert found is not None
    assert (found.id, found.kind, found.name, found.key) == (made, LDAP_GROUP, "ops", OPS.key)
    assert [row[:3] for row in world.audit() if row[1] == "group"] == [("create", "group", "ops")] * 2


@pytest.mark.parametrize("name", ["", " ", " a", "a\n", "a\0", "x" * 256])
def test_a_name_that_cannot_be_one_is_refused(world: World, name: str) -> None:
    with pytest.raises(GroupNameInvalid):
        world.run(groups.create_group, LDAP_GROUP, OPS.key, name)
    made = world.run(groups.create_group, LDAP_GROUP, OPS.key, "ops")
    with pytest.raises(GroupNameInvalid):
        world.run(groups.rename_group, made, name)
    assert world.run(groups.get_group, made).name == "ops"


def test_a_group_keeps_the_name_that_an_administrator_gave_it(world: World) -> None:
    world.run(ensure_person, ann(OPS))
    made = world.run(groups.ensure_group, LDAP_GROUP, OPS.key, "ops")
    world.run(groups.rename_group, made, "Operators")

    world.run(ensure_person, ann())
    world.run(ensure_person, ann(OPS))

    assert world.run(groups.get_group, made).name == "Operators"


def test_a_deleted_group_ends_what_its_members_were_issued_and_comes_back_without_roles(world: World) -> None:
    first = world.run(ensure_person, ann(OPS))
    made = world.run(groups.ensure_group, LDAP_GROUP, OPS.key, "ops")
    project = world.project("team")
    world.run(projects.set_group_member, project, made, Role.DEVELOPER)

    world.run(groups.delete_group, made)

    assert world.scalar(select(Principal.epoch).where(Principal.id == first.principal_id)) == first.epoch + 1
    with pytest.raises(GroupUnknown):
        world.run(groups.get_group, made)
    world.run(ensure_person, ann(OPS))
    assert world.run(projects.list_members, project) == []


def test_what_is_not_there_cannot_be_changed(world: World) -> None:
    with pytest.raises(GroupUnknown):
        world.run(groups.rename_group, 99, "x")
    with pytest.raises(GroupUnknown):
        world.run(groups.delete_group, 99)
