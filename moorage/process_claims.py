"""Who holds an upload or a task, in a form by which another process of the same machine can tell whether they live.

A claim is good until it runs out; but a writer that died (a killed worker, a restarted server) need not be waited
for, and, being dead, can write nothing more. Shape: `<where>.<pid>.<start time>.<random>`; `where` names the boot and
the process namespace, so that a number of another machine or container is never looked up here.
"""

import hashlib
import os
import secrets
from functools import cache
from pathlib import Path

_START_FIELD = 19  # of what follows the command's closing bracket: `starttime`, see proc(5)


def new_claim() -> str:
    """A claim for this process; at most 64 characters, never the same twice."""
    return f"{_where()}.{os.getpid()}.{_started(os.getpid())}.{secrets.token_hex(8)}"


def is_dead(claim: str) -> bool:
    """Whether the claim's holder is known to be gone. False when it lives, or when that cannot be told from here."""
    parts = claim.split(".")
    if len(parts) != 4 or parts[0] != _where() or not parts[0]:
        return False
    return _started(int(parts[1])) != parts[2]


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty: there is none."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text("latin-1")
    except OSError:
        return ""
    fields = status.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[_START_FIELD]


@cache
def _where() -> str:
    """This boot and process namespace; empty where the system has no such thing."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii")
        namespace = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - a link that names no path
    except OSError:
        return ""
    return hashlib.sha256(f"{boot}{namespace}".encode()).hexdigest()[:12]
