"""What keys look like, for every driver: their grammar, and the place of a blob in them."""

import re
from functools import lru_cache

from moorage.errors import DigestInvalid
from moorage.ids import UploadId
from moorage.oci.digest import Digest

BLOBS = "docker/registry/v2/blobs"
"""Where the distribution registry keeps its blobs, and the file system driver ours."""

_KEY = re.compile(r"(?!.*(?:^|/)\.\.?(?:/|$))[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")
_UPLOAD = re.compile(r"[0-9a-f]{32}")
_MAX_KEY_BYTES = 512

_BLOB_FILE = re.compile(rf"{BLOBS}/(sha256|sha512)/([0-9a-f]{{2}})/([0-9a-f]+)/data(?:\.[0-9a-f]{{32}})?")
_BLOB_SEGMENTS = re.compile(r"uploads/[0-9a-f]{32}/(sha256|sha512)\.([0-9a-f]+)\.\d+\.[0-9a-f]{8}")


def require_key(key: str) -> None:
    """Refuse what is no key: components of `[A-Za-z0-9._-]`, not `.` or `..`, joined by `/`, at most 512 bytes.

    Raises:
        ValueError: no key. Keys are made by our own code, so this is a mistake in it and no client's.
    """
    if len(key) > _MAX_KEY_BYTES or not _has_form(key):
        raise ValueError(f"no storage key: {key[:80]!r}")


@lru_cache(maxsize=4096)
def _has_form(key: str) -> bool:
    """Remembered: every pull of a blob asks, and the pattern takes longer than the look at the file."""
    return _KEY.fullmatch(key) is not None


def require_own_key(key: str) -> None:
    """Refuse what `put` may not write: what is no key, and the places of uploads and temporary files.

    Raises:
        ValueError: as `require_key`.
    """
    require_key(key)
    if key.startswith(("uploads/", "temporary/")):
        raise ValueError(f"this place is not for objects: {key[:80]!r}")


def require_upload(upload: UploadId) -> None:
    """Refuse what is no upload id: 32 lower-case hexadecimal digits.

    Raises:
        ValueError: it becomes part of a path, so nothing else may pass.
    """
    if _UPLOAD.fullmatch(upload) is None:
        raise ValueError(f"no upload id: {upload[:80]!r}")


def is_upload(name: str) -> bool:
    """Whether `name` has the form of an upload id."""
    return _UPLOAD.fullmatch(name) is not None


def place_in_folders(digest: Digest, upload: UploadId, *, first: bool) -> str:
    """The key that a driver with folders gives a blob; see `Storage.place`."""
    suffix = "" if first else f".{upload}"
    return f"{BLOBS}/{digest.algorithm}/{digest.hex[:2]}/{digest.hex}/data{suffix}"


def find_digest(key: str) -> Digest | None:
    """The digest of the blob that lies under `key`, by the key alone, or None when it is no blob's key.

    With `Storage.walk` an index can be rebuilt from bare storage; the bytes are yet to be hashed.
    """
    found = _BLOB_FILE.fullmatch(key)
    if found is not None and found[2] != found[3][:2]:
        return None
    found = found or _BLOB_SEGMENTS.fullmatch(key)
    if found is None:
        return None
    try:
        return Digest(f"{found[1]}:{found[found.lastindex or 2]}")
    except DigestInvalid:
        return None
