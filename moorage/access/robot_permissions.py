"""The permissions that a robot account can be given, in the system and in projects."""

from collections.abc import Mapping
from types import MappingProxyType

SYSTEM_PERMISSIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "audit-log": frozenset({"list"}),
        "catalog": frozenset({"read"}),
        "garbage-collection": frozenset({"create", "read", "update", "list", "stop"}),
        "jobservice-monitor": frozenset({"list", "stop"}),
        "label": frozenset({"create", "read", "update", "delete"}),
        "ldap-user": frozenset({"create", "list"}),
        "preheat-instance": frozenset({"create", "read", "update", "delete", "list"}),
        "project": frozenset({"create", "list"}),
        "purge-audit": frozenset({"create", "read", "update", "list", "stop"}),
        "quota": frozenset({"read", "update", "list"}),
        "registry": frozenset({"create", "read", "update", "delete", "list"}),
        "replication": frozenset({"create", "read", "list"}),
        "replication-adapter": frozenset({"list"}),
        "replication-policy": frozenset({"create", "read", "update", "delete", "list"}),
        "robot": frozenset({"create", "read", "delete", "list"}),
        "scan-all": frozenset({"create", "read", "update", "stop"}),
        "scanner": frozenset({"create", "read", "update", "delete", "list"}),
        "security-hub": frozenset({"read", "list"}),
        "system-volumes": frozenset({"read"}),
        "user": frozenset({"create", "read", "update", "delete", "list"}),
        "user-group": frozenset({"create", "read", "update", "delete", "list"}),
    }
)
"""What a robot can be given in the system: resource and actions. Source: the contract, `GET /permissions`."""


PROJECT_PERMISSIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "accessory": frozenset({"list"}),
        "artifact": frozenset({"create", "read", "delete", "list"}),
        "artifact-addition": frozenset({"read"}),
        "artifact-label": frozenset({"create", "delete"}),
        "export-cve": frozenset({"create", "read"}),
        "immutable-tag": frozenset({"create", "update", "delete", "list"}),
        "label": frozenset({"create", "read", "update", "delete", "list"}),
        "log": frozenset({"list"}),
        "member": frozenset({"create", "read", "update", "delete", "list"}),
        "metadata": frozenset({"create", "read", "update", "delete", "list"}),
        "notification-policy": frozenset({"create", "read", "update", "delete", "list"}),
        "preheat-policy": frozenset({"create", "read", "update", "delete", "list"}),
        "project": frozenset({"read", "update", "delete"}),
        "quota": frozenset({"read"}),
        "repository": frozenset({"read", "update", "delete", "list", "pull", "push"}),
        "robot": frozenset({"create", "read", "delete", "list"}),
        "sbom": frozenset({"create", "read", "stop"}),
        "scan": frozenset({"create", "read", "stop"}),
        "scanner": frozenset({"create", "read"}),
        "tag": frozenset({"create", "delete", "list"}),
        "tag-retention": frozenset({"create", "read", "update", "delete", "list"}),
    }
)
"""What a robot can be given in a project. Source: the contract, `GET /permissions`."""
