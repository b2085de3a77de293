"""Encrypt secrets that have to be read back, such as the password of another registry.

The key lies outside of the database, so that a dump, a backup or a replica of it gives none of them away. A sealed
secret is bound to its table, row and column: moved elsewhere it does not open, so nobody who can write rows can make
the server send one system's password to another. What need not be read back (our own passwords and tokens) is hashed
instead, and never comes here.
"""

import hashlib
import re
import secrets
import time
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from moorage.key_files import KeysInvalid, read_keys, write_key

KEY_BYTES = 32
_ID_BYTES = 8
_NONCE_BYTES = 12
_TAG_BYTES = 16
_FORMAT = b"\x01"
_HEAD_BYTES = len(_FORMAT) + _ID_BYTES + _NONCE_BYTES
_RELOAD_SECONDS = 5.0
_HEX = re.compile(rb"[0-9A-Fa-f]{64}\r?\n?")


class SealBroken(Exception):
    """A sealed secret does not open: its key is missing, or it was changed or moved. The message holds no secret."""


class Seals:
    """The sealing keys of a folder (`*.key`). The newest seals, all open.

    A key is 32 bytes, as they are or as 64 hexadecimal digits, so that an operator can supply one made by any tool.
    Its id is taken from the key itself and not from the file's name, so a wrong key under the right name is noticed.

    A rotation: put a new key beside the old one on every node and start again; what is sealed from then on uses it,
    what was sealed before still opens, and `is_current` says which to seal again before the old key may go.
    """

    def __init__(self, folder: Path) -> None:
        """Load the keys of `folder`.

        Raises:
            KeysInvalid: there is none, or one is not ours alone to read, or no key.
        """
        self._folder = folder
        self._next_look = 0.0
        self._keys: dict[bytes, AESGCM] = {}
        self._files: dict[bytes, Path] = {}
        self._sealing = b""
        self.reload()

    @property
    def files(self) -> dict[str, Path]:
        """Where each key lies, by its id, the newest first."""
        return {key_id.hex(): path for key_id, path in self._files.items()}

    @property
    def key_id(self) -> str:
        """The id of the key that seals, in hexadecimal."""
        return self._sealing.hex()

    @property
    def key_ids(self) -> frozenset[str]:
        """The ids of all keys that open."""
        return frozenset(key_id.hex() for key_id in self._keys)

    def reload(self) -> None:
        """Read the folder again.

        Raises:
            KeysInvalid: as at the start; the keys from before stay in use.
        """
        keys: dict[bytes, AESGCM] = {}
        files: dict[bytes, Path] = {}
        newest = b""
        for path, content in read_keys(self._folder, ".key", "sealing"):
            key = _parse_key(path, content)
            key_id = _id_of(key)
            newest = newest or key_id
            keys[key_id] = AESGCM(key)
            files[key_id] = path
        self._keys, self._files, self._sealing = keys, files, newest

    def seal(self, secret: str, *, table: str, row: str, column: str) -> bytes:
        """Seal `secret` for one place: 37 bytes longer than it is, and different each time.

        Args:
            secret: any text; its length can be seen from outside.
            table: the table's name.
            row: what identifies the row and never changes: its id, or the name of a setting.
            column: the column's name.

        Source: NIST SP 800-38D (AES-256-GCM with random 96-bit nonces: good for 2^32 seals per key).
        """
        key_id, nonce = self._sealing, secrets.token_bytes(_NONCE_BYTES)
        head = _FORMAT + key_id + nonce
        return head + self._keys[key_id].encrypt(nonce, secret.encode(), _bind(key_id, table, row, column))

    def open(self, sealed: bytes, *, table: str, row: str, column: str) -> str:
        """The secret that was sealed for this place.

        Raises:
            SealBroken: the key is not here, or the bytes were changed, or they were sealed for another place.
        """
        where = f"{table}.{column} of row {row}"
        if len(sealed) < _HEAD_BYTES + _TAG_BYTES or not sealed.startswith(_FORMAT):
            raise SealBroken(f"{where} holds no sealed secret")
        key_id, nonce = sealed[1 : 1 + _ID_BYTES], sealed[1 + _ID_BYTES : _HEAD_BYTES]
        key = self._keys.get(key_id) or self._find_new_key(key_id)
        if key is None:
            raise SealBroken(f"{where} was sealed with the key {key_id.hex()}, which is not in {self._folder}")
        try:
            return key.decrypt(nonce, sealed[_HEAD_BYTES:], _bind(key_id, table, row, column)).decode()
        except InvalidTag as error:
            raise SealBroken(f"{where} was changed, or was sealed for another place") from error

    def is_current(self, sealed: bytes) -> bool:
        """Whether the newest key sealed this; otherwise open it and seal it again."""
        return sealed[: 1 + _ID_BYTES] == _FORMAT + self._sealing

    def _find_new_key(self, key_id: bytes) -> AESGCM | None:
        """A key that was added to the folder since it was read; looked for every 5 s at most."""
        now = time.monotonic()
        if now < self._next_look:
            return None
        self._next_look = now + _RELOAD_SECONDS
        try:
            self.reload()
        except KeysInvalid:
            return None
        return self._keys.get(key_id)


def find_key_id(sealed: bytes) -> str:
    """The id of the key that sealed this, in hexadecimal; empty: it is no sealed secret."""
    return sealed[1 : 1 + _ID_BYTES].hex() if sealed.startswith(_FORMAT) and len(sealed) >= _HEAD_BYTES else ""


def create_seal_key(folder: Path) -> str:
    """Make a sealing key in `folder` and return its id. It seals from the next start, or `reload`, on."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = AESGCM.generate_key(KEY_BYTES * 8)
    key_id = _id_of(key).hex()
    write_key(folder / f"{key_id}.key", key)
    return key_id


def _parse_key(path: Path, content: bytes) -> bytes:
    if _HEX.fullmatch(content):
        return bytes.fromhex(content.decode("ascii"))
    if len(content) != KEY_BYTES:
        raise KeysInvalid(
            f"the sealing key {path} is damaged: it has {len(content)} bytes, not {KEY_BYTES} (or 64 hex digits)"
        )
    return content


def _id_of(key: bytes) -> bytes:
    return hashlib.sha256(b"moorage seal key id\0" + key).digest()[:_ID_BYTES]


def _bind(key_id: bytes, *place: str) -> bytes:
    """What the tag covers beside the secret. Each part has its length before it, so no two places read the same."""
    parts = (part.encode() for part in place)
    return _FORMAT + key_id + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
