"""Create the data folder, check its owner, and lock it for one server."""

import fcntl
import os
import stat
import time
from pathlib import Path

from moorage.cli.exit_status import UNFIT, Stop
from moorage.system.doctor import find_writing_problem, user_name

ORPHAN_SECONDS = 1.5
"""How long workers may outlive a server that was killed before their lock counts."""


def open_folder(folder: Path) -> None:
    """Make the data folder unless it is there, and see that it is ours and can be written.

    Raises:
        Stop: it cannot be used.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except FileExistsError:
        raise Stop(f"The data folder {folder} is not a folder.", UNFIT) from None
    except OSError as error:
        raise Stop(f"The data folder {folder} cannot be made: {error.strerror} ({error.filename}).", UNFIT) from error
    if found.st_uid != os.geteuid():
        raise Stop(
            f"The data folder {folder} belongs to {user_name(found.st_uid)}, and this process runs as "
            f"{user_name(os.geteuid())}: run it as the owner, or give the folder to it with chown.",
            UNFIT,
        )
    if found.st_mode & stat.S_IWOTH:
        raise Stop(f"Everybody may write to the data folder {folder}: chmod o-w {folder}", UNFIT)
    require_writable(folder, "data folder")


def require_writable(folder: Path, what: str) -> None:
    """See that a file can be made, written durably and removed in `folder`.

    Raises:
        Stop: it cannot; the message names `what` and the folder.
    """
    problem = find_writing_problem(folder)
    if problem:
        raise Stop(f"The {what} {folder} cannot be written: {problem}.", UNFIT)


def lock_folder(folder: Path) -> int:
    """Keep other servers off the data folder for as long as this process and its workers live.

    The file lock belongs to the open file, which workers inherit: it ends with the last of them.

    Returns:
        the file descriptor, which has to stay open.

    Raises:
        Stop: another server has it; the message says which.
    """
    run = folder / "run"
    try:
        run.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(run / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise Stop(f"The lock {run / 'lock'} cannot be opened: {error.strerror}.", UNFIT) from error
    if not _take(lock, folder):
        holder = find_holder(folder)
        os.close(lock)
        raise Stop(
            f"The data folder {folder} is in use by another server{f' (pid {holder})' if holder else ''}; "
            "stop that one, or use another folder.",
            UNFIT,
        )
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def _take(lock: int, folder: Path) -> bool:
    """Lock the open file; whether it could be done. Workers of a server that was killed get a moment to end."""
    until = time.monotonic() + ORPHAN_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = find_holder(folder)
            if holder is None or Path(f"/proc/{holder}").exists() or time.monotonic() > until:
                return False
            time.sleep(0.05)
        else:
            return True


def find_holder(folder: Path) -> int | None:
    """The pid that the server wrote which last locked this folder; whether it lives is for the lock to say."""
    try:
        return int((folder / "run" / "lock").read_text())
    except (OSError, ValueError):
        return None


def is_locked(folder: Path) -> bool:
    """Whether a server uses this folder now."""
    try:
        with (folder / "run" / "lock").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
