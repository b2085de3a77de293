"""`moorage restore`: list what was deleted, and bring it back."""

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from moorage.cli.administration import Store, open_store, print_table
from moorage.cli.arguments import Commands, add_command, add_json
from moorage.cli.exit_status import DONE, FAILED, USAGE, Stop

if TYPE_CHECKING:
    from moorage.db.list_query import Listing
    from moorage.db.unit_of_work import Work
    from moorage.trash.trash import TrashRow


def add(commands: Commands) -> None:
    """Describe the command."""
    command = add_command(commands, "restore", run, does="list what was deleted, or bring it back", examples="""
moorage restore
moorage restore --project team
moorage restore 17
moorage restore 17 --as v1-before
moorage restore 18 --as v1=v1-before --as v2=
moorage restore --json | jq '.[] | select(.kind == "repository") | .id'
""")  # fmt: skip
    command.add_argument("id", metavar="ID", type=int, nargs="?", help="what to bring back; without it all is listed")
    command.add_argument(
        "--as",
        metavar="NAME",
        dest="names",
        action="append",
        default=[],
        help="a new name, where the old one is taken: a tag, PROJECT/REPOSITORY, or a project. OLD=NEW where there are "
        "several; OLD= leaves a tag away",
    )
    command.add_argument("--project", metavar="PROJECT", help="list what was deleted from this one only")
    add_json(command)


def run(arguments: argparse.Namespace) -> int:
    """List, or restore one entry."""
    if arguments.id is None and arguments.names:
        raise Stop("--as needs the ID of what to bring back.", USAGE)
    with open_store(arguments) as store:
        if arguments.id is None:
            return _list(store, arguments.project, as_json=arguments.json)
        return _restore(store, arguments.id, arguments.names, as_json=arguments.json)


def _list(store: Store, project: str | None, *, as_json: bool) -> int:
    from moorage.db.list_query import MAX_PAGE_SIZE, Listing

    rows: list[TrashRow] = []
    while len(rows) % MAX_PAGE_SIZE == 0:
        page = Listing(page=len(rows) // MAX_PAGE_SIZE + 1, page_size=MAX_PAGE_SIZE)
        found = store.run(_page, page, project)
        if not found:
            break
        rows += found
    if as_json:
        print(json.dumps([_facts(row) for row in rows], indent=2))
    else:
        print_table(
            ("ID", "KIND", "NAME", "BY", "DELETED", "UNTIL", "FIRST"),
            [
                (row.id, row.kind, row.label, row.by, f"{row.deleted_at:%Y-%m-%d %H:%M}",
                 f"{row.purge_at:%Y-%m-%d %H:%M}", row.first)
                for row in rows
            ],
        )  # fmt: skip
    return DONE


def _page(work: "Work", listing: "Listing", project: str | None) -> "list[TrashRow]":
    from moorage.projects.service import get_project
    from moorage.trash.trash import list_trash

    project_id = get_project(work, project).id if project is not None else None
    return list_trash(work, listing, project_id=project_id)[0]


def _restore(store: Store, trash_id: int, given: Sequence[str], *, as_json: bool) -> int:
    from moorage.errors import RestoreBlocked, RestoreTaken
    from moorage.trash.restore import restore

    names = store.run(_read_names, trash_id, given)
    try:
        done = store.run(restore, trash_id, names)
    except Stop as stop:
        if isinstance(stop.__cause__, RestoreTaken):
            offer = stop.__cause__.detail["offer"]
            options = " ".join(f"--as {old}={new}" for old, new in sorted({**names, **dict(offer)}.items()))  # type: ignore[call-overload]
            raise Stop(f"{stop} Free is: `moorage restore {trash_id} {options}`", FAILED) from stop
        if isinstance(stop.__cause__, RestoreBlocked):
            raise Stop(f"{stop} Run `moorage restore {stop.__cause__.detail['first']}` before.", FAILED) from stop
        raise
    if as_json:
        facts = {"kind": done.kind, "name": done.label, "names": dict(done.names), "artifacts": done.artifacts}
        print(json.dumps(facts))
        return DONE
    print(f"Restored the {done.kind} {done.label}.")
    for old, new in done.names.items():
        if old != new:
            print(f"  {old} is {new} now.")
    return DONE


def _read_names(work: "Work", trash_id: int, given: Sequence[str]) -> Mapping[str, str]:
    from moorage.trash.trash import find_names

    names: dict[str, str] = {}
    for one in given:
        old, sign, new = one.partition("=")
        if sign:
            names[old] = new
            continue
        known = find_names(work, trash_id)
        if len(known) != 1:
            text = ", ".join(known) or "nothing"
            raise Stop(f"--as {one}: write OLD={one}; what comes back with a name is: {text}.", USAGE)
        names[known[0]] = one
    return names


def _facts(row: "TrashRow") -> dict[str, object]:
    return {
        "id": row.id,
        "project": row.project_name,
        "kind": row.kind,
        "name": row.label,
        "reason": row.reason,
        "deleted_by": row.by,
        "deleted_at": row.deleted_at.isoformat(),
        "purge_at": row.purge_at.isoformat(),
        "restore_first": row.first,
    }
