"""`moorage member`: set."""

import argparse
from typing import TYPE_CHECKING

from moorage.cli.administration import open_store
from moorage.cli.arguments import Commands, add_command, add_group
from moorage.cli.exit_status import DONE

if TYPE_CHECKING:
    from moorage.db.unit_of_work import Work

ROLES = ("admin", "maintainer", "developer", "guest", "limited-guest", "none")
"""From the highest rank to the lowest; `admin` is the contract's project admin, `none` takes the role away."""


def add(commands: Commands) -> None:
    """Describe the commands."""
    group = add_group(commands, "member", "say who may do what in a project")
    command = add_command(group, "set", run_set, does="give a user a role in a project, or take it away", examples="""
moorage member set team alice --role maintainer
moorage member set team alice --role none
""")  # fmt: skip
    command.add_argument("project", metavar="PROJECT")
    command.add_argument("user", metavar="USER", help="the account's name or e-mail address")
    command.add_argument("--role", choices=ROLES, required=True, help="what it may do there")


def run_set(arguments: argparse.Namespace) -> int:
    """Set a member's role. Safe to repeat."""
    with open_store(arguments) as store:
        store.run(_set, arguments.project, arguments.user, arguments.role)
    if arguments.role == "none":
        print(f"{arguments.user} has no role in {arguments.project} any more.")
    else:
        print(f"{arguments.user} is {arguments.role} of {arguments.project}.")
    return DONE


def _set(work: "Work", project_name: str, user_name: str, role: str) -> None:
    from moorage.access.policy import ROLE_NAMES
    from moorage.errors import MemberUnknown
    from moorage.projects.service import get_project, remove_member, set_member
    from moorage.users.service import find_user, get_user_by_name

    project = get_project(work, project_name)
    person = find_user(work, user_name) or get_user_by_name(work, user_name)
    if role != "none":
        set_member(work, project.id, person.id, ROLE_NAMES["project-admin" if role == "admin" else role])
        return
    try:
        remove_member(work, project.id, person.id)
    except MemberUnknown:
        return  # it is as it was asked for
