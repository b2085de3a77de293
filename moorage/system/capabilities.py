"""What this server can do, for whoever builds a page or a client on it: what is not there is left out, not faked.

A capability is there when the operation that stands for it is built, so that nobody has to remember to say so.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType

import msgspec

OPERATIONS: Mapping[str, str] = MappingProxyType(
    {
        "trash": "listTrash",
        "tag_history": "listTagHistory",
        "immutability": "ListImmuRules",
        "compare": "compareArtifacts",
        "explain": "explain",
        "access_tokens": "createMyAccessToken",
        "audit": "listAuditLogExts",
        "quotas": "updateQuota",
        "registries": "createRegistry",
        "mirror": "createMirror",
        "replication": "createReplicationPolicy",
        "scanning": "scanArtifact",
        "retention": "createRetention",
        "webhooks": "CreateWebhookPolicyOfProject",
        "preheat": "CreatePolicy",
        "jobs": "listJobQueues",
        "garbage_collection": "createGCSchedule",
        "audit_purge": "createPurgeSchedule",
        "vulnerability_export": "exportScanData",
    }
)
"""By capability, the operation without which there is none."""

PACKAGES: Mapping[str, str] = MappingProxyType({"proxy_cache": "moorage.proxycache", "signatures": "moorage.signing"})
"""By capability that has no operation of its own, the package that brings it."""


class Built(msgspec.Struct, frozen=True):
    """The operations that this server has."""

    ids: frozenset[str]


def list_capabilities(built: Built) -> dict[str, bool]:
    """By name, in the order of the names, whether this server can do it."""
    found = {name: operation in built.ids for name, operation in OPERATIONS.items()}
    found |= {name: find_spec(package) is not None for name, package in PACKAGES.items()}
    return dict(sorted(found.items()))
