"""The permission that an operation of the REST API requires of its caller."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["public", "signed_in", "system", "project", "inside"]


@dataclass(frozen=True, slots=True)
class Needs:
    """What a caller must be, or may do.

    Attributes:
        level: `public`: nothing is asked; `signed_in`: any account; `system` and `project`: the action on the
            resource there; `inside`: the operation itself decides (`Call.require…`), because it depends on the body
            or on a row; `note` says how.
    """

    level: Level
    resource: str = ""
    action: str = ""
    note: str = ""

    def __str__(self) -> str:
        """As in the permission table: `project member:list`."""
        return f"{self.level} {self.resource}:{self.action}" if self.resource else self.level


PUBLIC = Needs("public")
SIGNED_IN = Needs("signed_in")


def system(permission: str) -> Needs:
    """An administrator, or a robot that was given the permission, as in `registry:list`."""
    resource, _, action = permission.partition(":")
    return Needs("system", resource, action)


def project(permission: str) -> Needs:
    """Somebody who may do it in the project that the path names, as in `member:list`."""
    resource, _, action = permission.partition(":")
    return Needs("project", resource, action)


def inside(note: str) -> Needs:
    """The operation decides; `note` says by what, for the page of permissions."""
    return Needs("inside", note=note)
