"""Named points at which a test may stop, freeze or fail the process.

A point costs one comparison when nothing is armed. `POINTS` is the whole list: the kill test arms every one
in turn and fails when a point is never reached; a point that is passed but not listed is an error at once.
"""

import os
import signal
import time

POINTS: dict[str, str] = {
    "upload.created": "POST: the upload's row is committed, nothing replied",
    "upload.started": "POST: the upload's place in the storage is made",
    "append.begun": "PATCH or PUT: the upload is claimed, no byte written",
    "append.piece": "PATCH or PUT: a piece of the body was written, not synced",
    "append.written": "PATCH or PUT: all bytes written, not synced",
    "append.synced": "PATCH or PUT: bytes durable, the row still has the old offset",
    "append.recorded": "PATCH or PUT: the row has the new offset, nothing replied",
    "commit.verified": "closing PUT: the digest matches, no place given",
    "commit.looked": "closing PUT: a blob is live already and its bytes were looked at, nothing done",
    "commit.placed": "closing PUT: the blob's row is committed as arriving",
    "commit.renamed": "closing PUT: the bytes have their final name, the directory is not synced",
    "commit.stored": "closing PUT: name and bytes are durable, the row is still arriving",
    "commit.joining": "closing PUT: inside the transaction that makes the blob live, before its commit",
    "commit.healing": "closing PUT: inside the transaction that gives a damaged blob the new bytes, before its commit",
    "commit.live": "closing PUT: the blob is live and linked, nothing replied",
    "mount.joining": "mount: inside the transaction, before its commit",
    "mount.done": "mount: committed, nothing replied",
    "manifest.linked": "manifest PUT: blobs found, nothing written",
    "manifest.recorded": "manifest PUT: artifact, links and tags written, before the commit",
    "manifest.done": "manifest PUT: committed, nothing replied",
    "copy.linked": "copy: the target's tags are locked and its blobs linked, no artifact is written",
    "copy.recorded": "copy: all is written and charged, before the commit",
    "copy.done": "copy: committed, nothing replied",
    "repository.recorded": "DELETE of a repository: it is in the trash, before the commit",
    "repository.done": "DELETE of a repository: committed, nothing replied",
    "delete.recorded": "DELETE: written, before the commit",
    "delete.done": "DELETE: committed, nothing replied",
    "restore.written": "restore: what comes back is written, the act is still in the trash, before the commit",
    "restore.recorded": "restore: everything is written, before the commit",
    "restore.done": "restore: committed, nothing replied",
    "purge.marked": "purge: the act is marked, before the commit",
    "purge.begun": "purge: there is no way back, nothing is taken",
    "purge.taken": "purge: a part of the act is taken, before the commit",
    "purge.done": "purge: all is taken, nothing replied",
    "cancel.dead": "upload cancelled: the row is dead, its bytes are still there",
    "collect.purged": "collector: a part of an act whose time is over is taken and committed",
    "collect.ended": "collector: an upload that expired is dead, before the commit",
    "collect.swept": "collector: the bytes of an upload that expired are removed, its row is still there",
    "collect.looked": "collector: spent links are locked and looked at, nothing written",
    "collect.links": "collector: links are gone and their charges marked, before the commit",
    "collect.charges": "collector: charges are gone and given back, their blobs marked, before the commit",
    "collect.blobs": "collector: blobs are doomed, before the commit",
    "collect.deleted": "collector: bytes are deleted, their rows still say doomed",
    "collect.gone": "collector: the rows of deleted bytes say so, before the commit",
    "cancel.removed": "upload cancelled: the bytes are gone, the row is still there",
    "job.begun": "worker: a task is taken up and committed, its job has done nothing",
    "job.recorded": "worker: inside a transaction of a job, all is written, before the commit",
    "job.done": "worker: a job has done all that it does, the end of its task is not written",
    "webhook.told": "webhook: the target has answered, nothing is noted of it",
}

_armed: str | None = None
_action = "kill"
_countdown = 0


def arm(spec: str) -> None:
    """Arm one point. Shape: `point:action[:n]`; acts when the point is passed for the nth time (default 1).

    A line on standard error says that it acted. Actions: `kill` (SIGKILL to this process), `stop` (SIGSTOP),
    `sleep` (1 s), `raise` (RuntimeError), `enospc` and `eio` (OSError).

    Raises:
        ValueError: an unknown point or action.
    """
    global _armed, _action, _countdown
    point, _, rest = spec.partition(":")
    action, _, count = rest.partition(":")
    if point not in POINTS or action not in {"kill", "stop", "sleep", "raise", "enospc", "eio"}:
        msg = f"unknown fault {spec!r}"
        raise ValueError(msg)
    _armed, _action, _countdown = point, action, int(count or 1)


def disarm() -> None:
    """Let every point pass again."""
    global _armed  # noqa: PLW0603 - see arm
    _armed = None


def point(name: str) -> None:
    """Pass the point `name`: nothing happens unless it is armed."""
    if _armed is None:
        return
    _pass(name)


def _pass(name: str) -> None:
    global _countdown  # noqa: PLW0603 - see arm
    if name not in POINTS:
        msg = f"the point {name!r} is not listed in failpoints.POINTS"
        raise RuntimeError(msg)
    if name != _armed:
        return
    _countdown -= 1
    if _countdown:
        return
    os.write(2, f"fault: {_action} at {name}\n".encode("ascii"))
    if _action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif _action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif _action == "sleep":
        time.sleep(1)
    elif _action == "raise":
        msg = f"fault injected at {name}"
        raise RuntimeError(msg)
    else:
        number = 28 if _action == "enospc" else 5
        raise OSError(number, os.strerror(number))
