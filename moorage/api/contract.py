"""Every operation of the contract: what has its place in the route table, built or not.

They are rows of `contract.csv`, in the order of the contract. Of an operation that a subject brings only its name
counts here (a test compares); the guard asks for what the route itself declares.

Source: Harbor API v2.0 (Apache-2.0, by the Harbor authors): names and paths; the permissions are those of v2.16.
"""

import csv
from importlib.resources import files
from typing import NamedTuple

from moorage.access.required_permission import PUBLIC, SIGNED_IN, Needs, inside, project, system


class Operation(NamedTuple):
    """One operation of the contract. `path` in its own form: `/projects/{project_name_or_id}`."""

    method: str
    path: str
    id: str
    tag: str
    needs: Needs


def _needs(text: str) -> Needs:
    match text.split():
        case ["public"]:
            return PUBLIC
        case ["signed_in"]:
            return SIGNED_IN
        case ["system", permission]:
            return system(permission)
        case ["project", permission]:
            return project(permission)
        case _:
            return inside("depends on what is asked for")


def _read() -> tuple[Operation, ...]:
    lines = files("moorage.api").joinpath("contract.csv").read_text(encoding="utf-8").splitlines()
    return tuple(
        Operation(row["method"], row["path"], row["operation"], row["tag"], _needs(row["needs"]))
        for row in csv.DictReader(lines)
    )


OPERATIONS: tuple[Operation, ...] = _read()
"""All of them, in the order of the contract."""
