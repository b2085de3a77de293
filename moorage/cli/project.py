"""`moorage project`: create, list, delete."""

import argparse
import json
from typing import TYPE_CHECKING

from moorage.cli.administration import PAGE, open_store, print_table
from moorage.cli.arguments import Commands, add_command, add_group, add_json
from moorage.cli.exit_status import DONE

if TYPE_CHECKING:
    from moorage.db.unit_of_work import Work
    from moorage.projects.service import ProjectRow

UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


def add(commands: Commands) -> None:
    """Describe the commands."""
    group = add_group(commands, "project", "create, list and delete projects")

    create = add_command(group, "create", run_create, does="create a project", examples="""
moorage project create team
moorage project create mirror --public --quota 500G --owner alice
""")  # fmt: skip
    create.add_argument("name", metavar="NAME")
    create.add_argument("--public", action="store_true", help="everybody may pull, without an account")
    create.add_argument(
        "--quota",
        metavar="SIZE",
        type=read_size,
        help="limit of its content: 500M, 20G, 1T, or none (default: the live setting storage_per_project)",
    )
    create.add_argument("--owner", metavar="USER", help="becomes project admin (default: admin)")
    add_json(create)

    show = add_command(group, "list", run_list, does="list all projects", examples="""
moorage project list
moorage project list --json | jq -r '.[].name'
""")  # fmt: skip
    add_json(show)

    delete = add_command(group, "delete", run_delete, does="delete a project that holds no repositories", examples="""
moorage project delete team --reason "moved to platform"
""")  # fmt: skip
    delete.add_argument("name", metavar="NAME")
    delete.add_argument("--reason", metavar="TEXT", default="", help="kept with it in the trash")


def read_size(text: str) -> int:
    """A number of bytes from `500M`, `20G`, `1T`; powers of 1024. `none`: -1.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if text == "none":
        return -1
    number, unit = (text[:-1], text[-1].upper()) if text and text[-1].isalpha() else (text, "")
    if not (number.isascii() and number.isdigit()) or unit not in UNITS:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: write 500M, 20G, 1T or none")
    return int(number) * UNITS[unit]


def run_create(arguments: argparse.Namespace) -> int:
    """Create a project."""
    with open_store(arguments) as store:
        project = store.run(
            _create, arguments.name, owner=arguments.owner, public=arguments.public, limit_bytes=arguments.quota
        )
    if arguments.json:
        print(json.dumps(_facts(project)))
    else:
        print(f"Created the {'public' if project.public else 'private'} project {project.name} (id {project.id}).")
    return DONE


def run_list(arguments: argparse.Namespace) -> int:
    """List all projects, in the byte order of their names."""
    from moorage.projects.service import list_projects

    projects: list[ProjectRow] = []
    with open_store(arguments) as store:
        while page := store.run(list_projects, after=projects[-1].name if projects else "", limit=PAGE):
            projects.extend(page)
    if arguments.json:
        print(json.dumps([_facts(project) for project in projects], indent=2))
    else:
        print_table(
            ("ID", "NAME", "PULL", "REPOSITORIES"),
            [
                (project.id, project.name, "everybody" if project.public else "members", project.repository_count)
                for project in projects
            ],
        )
    return DONE


def run_delete(arguments: argparse.Namespace) -> int:
    """Delete an empty project."""
    with open_store(arguments) as store:
        store.run(_delete, arguments.name, reason=arguments.reason)
    print(f"Deleted the project {arguments.name}; its name is free.")
    return DONE


def _create(work: "Work", name: str, *, owner: str | None, public: bool, limit_bytes: int | None) -> "ProjectRow":
    from moorage.projects.service import create_project
    from moorage.users.service import ADMIN_NAME, find_user, get_user_by_name

    person = get_user_by_name(work, owner) if owner else find_user(work, ADMIN_NAME)
    owner_id = person.id if person else None
    return create_project(work, name, owner_id=owner_id, public=public, limit_bytes=limit_bytes)


def _delete(work: "Work", name: str, *, reason: str) -> None:
    from moorage.projects.service import delete_project, get_project

    delete_project(work, get_project(work, name).id, reason=reason)


def _facts(project: "ProjectRow") -> dict[str, object]:
    return {
        "id": project.id,
        "name": project.name,
        "public": project.public,
        "owner_id": project.owner_id,
        "repositories": project.repository_count,
        "created_at": project.created_at.isoformat(),
    }
