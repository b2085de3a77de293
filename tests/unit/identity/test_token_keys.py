"""The keys that sign registry tokens: how they change, and whose they may be (threats.md B2, T21, T23)."""

import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from moorage.errors import TokenInvalid
from moorage.key_files import KeysInvalid
from moorage.tokens.registry_tokens import TokenKeys, create_key
from tests.unit.identity.conftest import ANN, ENTRIES, Clock

# -- T21: rotation ----------------------------------------------------------------------------------------


def age(path: Path, seconds: float) -> None:
    moment = time.time() - seconds
    os.utime(path, (moment, moment))


def test_t21_the_newest_key_signs_and_the_one_before_still_verifies(folder: Path, clock: Clock) -> None:
    before = TokenKeys(folder, clock=clock)
    old = before.mint(ANN, ENTRIES).token
    age(folder / f"{before.kid}.pem", 60)
    kid = create_key(folder)

    after = TokenKeys(folder, clock=clock)

    assert after.kid == kid != before.kid
    assert after.verify(old).name == "ann"


def test_t21_another_replica_accepts_a_new_key_at_once(
    folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = TokenKeys(folder, clock=clock)
    age(folder / f"{replica.kid}.pem", 60)
    create_key(folder)
    token = TokenKeys(folder, clock=clock).mint(ANN, ENTRIES).token

    assert replica.verify(token).name == "ann"
    assert replica.mint(ANN, ENTRIES).token.split(".")[0] == token.split(".")[0]

    reads: list[None] = []
    monkeypatch.setattr(replica, "reload", lambda: reads.append(None))
    for n in range(100):
        with pytest.raises(TokenInvalid):
            replica.verify(f"e{n}.e30.e30")
    assert len(reads) <= 1, "strangers make the folder be read"


def test_t21_a_key_that_was_taken_away_verifies_nothing_after_a_reload(folder: Path, clock: Clock) -> None:
    keys = TokenKeys(folder, clock=clock)
    token = keys.mint(ANN, ENTRIES).token
    assert keys.verify(token).name == "ann"
    (folder / f"{keys.kid}.pem").unlink()
    create_key(folder)

    keys.reload()

    with pytest.raises(TokenInvalid):
        keys.verify(token)


# -- T23: the files ---------------------------------------------------------------------------------------


def test_t23_a_key_is_made_for_its_owner_alone(folder: Path) -> None:
    (path,) = folder.iterdir()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602, 0o610, 0o777])
def test_t23_a_key_that_others_may_read_stops_the_start(folder: Path, mode: int) -> None:
    (path,) = folder.iterdir()
    path.chmod(mode)

    with pytest.raises(KeysInvalid, match="others may read"):
        TokenKeys(folder)


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_t23_a_folder_that_others_may_write_to_stops_the_start(folder: Path, mode: int) -> None:
    folder.chmod(mode)

    with pytest.raises(KeysInvalid, match="others may write"):
        TokenKeys(folder)


def test_t23_a_foreign_key_stops_the_start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = os.geteuid()
    monkeypatch.setattr("moorage.key_files.os.geteuid", lambda: owner + 1)

    with pytest.raises(KeysInvalid, match=f"belongs to another account: chown {owner + 1}"):
        TokenKeys(folder)


def test_t23_a_missing_folder_and_an_empty_one_stop_the_start(tmp_path: Path) -> None:
    with pytest.raises(KeysInvalid, match="no folder of signing keys: restore it from the backup, or copy it"):
        TokenKeys(tmp_path / "none")
    with pytest.raises(KeysInvalid, match="no signing key"):
        TokenKeys(tmp_path)


def pem_of(key: Any, password: bytes | None = None) -> bytes:  # any kind of private key
    encryption: Any = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    raw: bytes = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    return raw


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"not a key",
        pem_of(rsa.generate_private_key(65_537, 2048)),
        pem_of(ec.generate_private_key(ec.SECP384R1())),
        pem_of(ed25519.Ed25519PrivateKey.generate()),
        pem_of(ec.generate_private_key(ec.SECP256R1()), b"secret"),
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
    ],
    ids=["empty", "text", "rsa", "p384", "ed25519", "encrypted", "public"],
)
def test_t23_what_is_no_p256_private_key_stops_the_start(folder: Path, pem: bytes) -> None:
    path = folder / "other.pem"
    path.write_bytes(pem)
    path.chmod(0o600)

    with pytest.raises(KeysInvalid, match=r"other\.pem"):
        TokenKeys(folder)


def test_a_bad_key_that_is_added_later_does_not_stop_what_runs(keys: TokenKeys, folder: Path) -> None:
    token = keys.mint(ANN, ENTRIES).token
    (folder / "bad.pem").write_text("x")

    with pytest.raises(TokenInvalid):
        keys.verify("e30.e30.e30")
    assert keys.verify(token).name == "ann"
    assert keys.mint(ANN, ENTRIES).token
