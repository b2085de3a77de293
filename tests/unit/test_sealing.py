"""Sealed secrets: they open where they were sealed, with a key of ours, and nowhere else (threats.md A5)."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.key_files import KeysInvalid
from moorage.secret_encryption import SealBroken, Seals, create_seal_key

SECRET = "s3cret-of-the-directory"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_seal_key(tmp_path / "seal")
    return tmp_path / "seal"


@pytest.fixture
def seals(folder: Path) -> Seals:
    return Seals(folder)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Seals:
    folder = tmp_path_factory.mktemp("seal")
    create_seal_key(folder)
    return Seals(folder)


def seal(seals: Seals) -> bytes:
    return seals.seal(SECRET, table="registry", row="1", column="secret")


def reveal(seals: Seals, sealed: bytes) -> str:
    return seals.open(sealed, table="registry", row="1", column="secret")


@given(secret=st.text(st.characters(exclude_categories=["Cs"])), row=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back_as_it_was(kept: Seals, secret: str, row: str) -> None:
    sealed = kept.seal(secret, table="registry", row=row, column="secret")

    assert kept.open(sealed, table="registry", row=row, column="secret") == secret


def test_a_sealed_secret_shows_neither_the_secret_nor_that_two_are_the_same(seals: Seals) -> None:
    one, two = seal(seals), seal(seals)

    assert one != two
    assert SECRET.encode() not in one
    assert len(one) == len(SECRET) + 37
    assert seals.key_id == one[1:9].hex()


PLACES = [
    ("webhook", "1", "secret"),
    ("registry", "2", "secret"),
    ("registry", "1", "token"),
    ("registry1", "", "secret"),
    ("", "registry1", "secret"),
    ("reg", "istry1", "secret"),
    ("registry", "1sec", "ret"),
]


@pytest.mark.parametrize("place", PLACES, ids=".".join)
def test_a_secret_that_was_moved_does_not_open(seals: Seals, place: tuple[str, str, str]) -> None:
    table, row, column = place

    with pytest.raises(SealBroken, match="changed, or was sealed for another place"):
        seals.open(seal(seals), table=table, row=row, column=column)


def test_every_flipped_bit_is_noticed(seals: Seals) -> None:
    sealed = seal(seals)

    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealBroken):
            reveal(seals, bytes(changed))


@pytest.mark.parametrize("length", [0, 1, 9, 21, 36, 59])
def test_a_secret_that_was_cut_does_not_open(seals: Seals, length: int) -> None:
    with pytest.raises(SealBroken) as refused:
        reveal(seals, seal(seals)[:length])

    assert SECRET not in str(refused.value)


def test_after_a_rotation_the_new_key_seals_and_the_old_one_opens(folder: Path) -> None:
    old = Seals(folder)
    before = seal(old)
    create_seal_key(folder)

    new = Seals(folder)

    assert new.key_id != old.key_id
    assert new.key_ids == {old.key_id, new.key_id}
    assert reveal(new, before) == SECRET
    assert not new.is_current(before)
    assert new.is_current(seal(new))


def test_a_replica_that_runs_finds_the_new_key_when_it_meets_it(folder: Path) -> None:
    running = Seals(folder)
    create_seal_key(folder)

    assert reveal(running, seal(Seals(folder))) == SECRET


def test_a_key_that_is_missing_is_named(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    key_id = create_seal_key(other)

    with pytest.raises(SealBroken, match=key_id):
        reveal(Seals(folder), seal(Seals(other)))


def test_an_operator_may_supply_hexadecimal_digits_under_any_name(folder: Path, tmp_path: Path) -> None:
    [key] = folder.glob("*.key")
    supplied = tmp_path / "supplied"
    supplied.mkdir(mode=0o700)
    (supplied / "mine.key").write_text(key.read_bytes().hex() + "\n")
    (supplied / "mine.key").chmod(0o600)

    assert reveal(Seals(supplied), seal(Seals(folder))) == SECRET


def test_a_key_is_made_for_its_owner_alone(folder: Path) -> None:
    [key] = folder.glob("*.key")

    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [file.name for file in folder.iterdir()] == [f"{Seals(folder).key_id}.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620], ids=oct)
def test_a_key_that_others_may_use_stops_the_start(folder: Path, mode: int) -> None:
    next(folder.glob("*.key")).chmod(mode)

    with pytest.raises(KeysInvalid, match="others may read the sealing key: chmod 600"):
        Seals(folder)


def test_a_folder_that_others_may_write_to_stops_the_start(folder: Path) -> None:
    folder.chmod(0o770)

    with pytest.raises(KeysInvalid, match="others may write"):
        Seals(folder)


def test_a_foreign_key_stops_the_start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12345)

    with pytest.raises(KeysInvalid, match="belongs to another account"):
        Seals(folder)


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33, b"0" * 63, b"g" * 64], ids=len)
def test_what_is_no_key_stops_the_start(folder: Path, content: bytes) -> None:
    next(folder.glob("*.key")).write_bytes(content)

    with pytest.raises(KeysInvalid, match="damaged"):
        Seals(folder)


def test_no_key_stops_the_start(folder: Path, tmp_path: Path) -> None:
    next(folder.glob("*.key")).unlink()

    with pytest.raises(KeysInvalid, match="no sealing key"):
        Seals(folder)
    with pytest.raises(KeysInvalid, match="no folder of sealing keys"):
        Seals(tmp_path / "nowhere")


def test_a_bad_key_that_is_added_later_does_not_stop_what_runs(folder: Path) -> None:
    running = Seals(folder)
    sealed = seal(running)
    (folder / "bad.key").write_bytes(b"bad")

    with pytest.raises(KeysInvalid):
        running.reload()

    assert reveal(running, sealed) == SECRET
