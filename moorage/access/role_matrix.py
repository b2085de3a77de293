"""The permissions of each project role in the REST API, by resource and action.

The resource `project` is the project itself. `scan`, `webhook` and the like stand here before their subjects do: a
role is the whole of it, and a robot may hold any of them.

Source: the contract's product, roles of v2.16; docs/develop/roles.md.
"""

from collections.abc import Mapping
from types import MappingProxyType

from moorage.access.policy import Role

_LIST = ("list",)
_READ = ("read",)
_CRUD = ("create", "read", "update", "delete")
_CRUDL = (*_CRUD, "list")

_PUBLIC: dict[str, tuple[str, ...]] = {
    "project": _READ,
    "accessory": _LIST,
    "artifact": ("read", "list"),
    "artifact-addition": _READ,
    "label": ("read", "list"),
    "repository": ("list", "pull"),
    "scan": _READ,
    "scanner": _READ,
    "tag": _LIST,
}
_LIMITED_GUEST: dict[str, tuple[str, ...]] = {
    "project": _READ,
    "accessory": _LIST,
    "artifact": ("read", "list"),
    "artifact-addition": _READ,
    "configuration": _READ,
    "quota": _READ,
    "repository": ("read", "list", "pull"),
    "sbom": _READ,
    "scan": _READ,
    "scanner": _READ,
    "tag": _LIST,
}
_GUEST: dict[str, tuple[str, ...]] = {
    **_LIMITED_GUEST,
    "label": ("read", "list"),
    "member": ("read", "list"),
    "robot": ("read", "list"),
}
_DEVELOPER: dict[str, tuple[str, ...]] = {
    **_GUEST,
    "artifact": ("create", "read", "list"),
    "artifact-label": ("create", "delete"),
    "export-cve": ("create", "read", "list"),
    "repository": ("create", "read", "update", "list", "pull", "push"),
    "tag": ("create", "list"),
    "tag-retention": (*_CRUDL, "operate"),
}
_MAINTAINER: dict[str, tuple[str, ...]] = {
    **_DEVELOPER,
    "artifact": ("create", "read", "delete", "list"),
    "immutable-tag": ("create", "update", "delete", "list"),
    "label": _CRUDL,
    "metadata": _READ,
    "notification-policy": ("read", "list"),
    "repository": (*_CRUDL, "pull", "push"),
    "sbom": ("create", "read", "stop"),
    "scan": ("create", "read", "stop"),
    "tag": ("create", "delete", "list"),
}
_PROJECT_ADMIN: dict[str, tuple[str, ...]] = {
    **_MAINTAINER,
    "project": ("read", "update", "delete"),
    "configuration": ("read", "update"),
    "log": _LIST,
    "member": _CRUDL,
    "metadata": _CRUD,
    "notification-policy": _CRUDL,
    "preheat-policy": _CRUDL,
    "robot": _CRUDL,
    "scanner": ("create", "read"),
}

ROLE_PERMISSIONS: Mapping[Role, frozenset[tuple[str, str]]] = MappingProxyType(
    {
        role: frozenset((resource, action) for resource, actions in table.items() for action in actions)
        for role, table in {
            Role.PUBLIC: _PUBLIC,
            Role.LIMITED_GUEST: _LIMITED_GUEST,
            Role.GUEST: _GUEST,
            Role.DEVELOPER: _DEVELOPER,
            Role.MAINTAINER: _MAINTAINER,
            Role.PROJECT_ADMIN: _PROJECT_ADMIN,
        }.items()
    }
)
"""(resource, action) by role; `PUBLIC` is what anybody may do in a public project."""

EVERY_PROJECT_PERMISSION: frozenset[tuple[str, str]] = frozenset().union(*ROLE_PERMISSIONS.values())
"""What any role may do: what a system administrator is shown for a project."""

SYSTEM_PERMISSIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "audit-log": _LIST,
        "catalog": _READ,
        "configuration": ("read", "update"),
        "distribution": _CRUDL,
        "garbage-collection": _CRUDL,
        "jobservice-monitor": ("read", "list", "stop"),
        "ldap-user": ("create", "list"),
        "project": _CRUDL,
        "registry": _CRUDL,
        "replication": ("create", "read", "update", "list", "delete"),
        "scan-all": (*_CRUDL, "stop"),
        "security-hub": ("read", "list"),
        "system-volumes": _READ,
        "user": _CRUDL,
        "user-group": _CRUDL,
    }
)
"""What `GET /users/current/permissions?scope=/system` speaks of. An administrator may do all of it, nobody else any."""
