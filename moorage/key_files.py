"""Key files: written whole, durable and for their owner alone; used only while nobody else can read or change them."""

import os
import secrets
import stat
from pathlib import Path

_MAX_BYTES = 16_384


_MEND = "restore it from the backup, or copy it from another server of this database"


class KeysInvalid(Exception):
    """Keys cannot be used; the server must not start. The message names the file and the mend."""


def write_key(file: Path, content: bytes) -> None:
    """Write a file that only its owner can ever read. It is durable and complete before it has its name."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    draft.replace(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_keys(folder: Path, suffix: str, kind: str) -> list[tuple[Path, bytes]]:
    """The files of `folder` that end in `suffix`, with what is in them, the newest first.

    Args:
        folder: where they lie.
        suffix: for example `.pem`; a name that begins with a dot is a draft and no key.
        kind: how messages call them: `signing`, `sealing`.

    Raises:
        KeysInvalid: there is none, or somebody else may read or replace one.
    """
    try:
        mode = folder.stat().st_mode
        paths = sorted(path for path in folder.iterdir() if path.suffix == suffix and not path.name.startswith("."))
    except FileNotFoundError as error:
        raise KeysInvalid(f"there is no folder of {kind} keys: {_MEND}: {folder}") from error
    except OSError as error:
        raise KeysInvalid(f"the folder of the {kind} keys cannot be read: {folder}: {error.strerror}") from error
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise KeysInvalid(f"others may write to the folder of the {kind} keys: chmod go-w {folder}")
    if not paths:
        raise KeysInvalid(f"there is no {kind} key (*{suffix}) in {folder}: {_MEND}")
    found = [(*_read(path, kind), path) for path in paths]
    found.sort(key=lambda entry: (entry[0], entry[2]), reverse=True)
    return [(path, content) for _, content, path in found]


def _read(path: Path, kind: str) -> tuple[int, bytes]:
    """The time of change of one file in nanoseconds, and what is in it."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            content = file.read(_MAX_BYTES)
    except OSError as error:
        raise KeysInvalid(f"the {kind} key cannot be read: {path}: {error.strerror}") from error
    if status.st_uid != os.geteuid():
        raise KeysInvalid(f"the {kind} key belongs to another account: chown {os.geteuid()} {path}")
    if stat.S_IMODE(status.st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeysInvalid(f"others may read the {kind} key: chmod 600 {path}")
    return status.st_mtime_ns, content
