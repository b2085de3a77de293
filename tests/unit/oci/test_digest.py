"""Digests and the hash that can be saved."""

import hashlib
import pickle
import random
import struct
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.errors import DigestInvalid
from moorage.oci import digest
from moorage.oci.digest import Digest, Hasher, compute

SHA256 = "sha256:" + "0123456789abcdef" * 4
SHA512 = "sha512:" + "0123456789abcdef" * 8


@pytest.fixture(params=["native", "fallback"], autouse=True)
def platform(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With and without libcrypto."""
    if request.param == "fallback":
        monkeypatch.setattr(digest, "_native", {})
    return str(request.param)


@pytest.mark.parametrize("text", [SHA256, SHA512])
def test_a_digest_keeps_its_text(text: str) -> None:
    parsed = Digest.parse(text)

    assert str(parsed) == text
    assert f"{parsed.algorithm}:{parsed.hex}" == text
    assert repr(parsed) == f"Digest({text!r})"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        SHA256[:-1],
        SHA256 + "0",
        SHA256 + "\n",
        " " + SHA256,
        SHA256.upper(),
        "SHA256:" + SHA256[7:],
        SHA256[:-1] + "A",
        SHA256[:-1] + "g",
        SHA256[:-1] + "\u0660",
        SHA512[:-1],
        SHA512.replace("sha512", "sha256"),
        SHA256.replace("sha256", "sha512"),
        "md5:" + "0" * 32,
        "sha384:" + "0" * 96,
        "sha256:" + "../" * 21 + "a",
        "sha256+b64:" + "0" * 64,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(DigestInvalid):
        Digest.parse(text)


@pytest.mark.parametrize(("text", "length"), [(SHA256, 33), (SHA512, 65)])
def test_the_binary_form_comes_back(text: str, length: int) -> None:
    parsed = Digest.parse(text)

    assert len(parsed.binary) == length
    assert parsed.binary[0] == {"sha256": 1, "sha512": 2}[parsed.algorithm]
    assert Digest.from_binary(parsed.binary) == parsed


@pytest.mark.parametrize(
    "data", [b"", b"\x01", b"\x01" + b"a" * 31, b"\x01" + b"a" * 64, b"\x02" + b"a" * 32, b"\x00" * 33]
)
def test_a_broken_binary_form_is_refused(data: bytes) -> None:
    with pytest.raises(DigestInvalid):
        Digest.from_binary(data)


def test_digests_compare_hash_sort_and_pickle() -> None:
    one, other = Digest(SHA256), Digest(SHA512)

    assert one == Digest(SHA256)
    assert one != other
    assert one != SHA256
    assert {one: 1}[Digest(SHA256)] == 1
    assert sorted([other, one]) == [one, other]
    assert pickle.loads(pickle.dumps(one)) == one


def test_a_digest_does_not_change() -> None:
    one = Digest(SHA256)

    with pytest.raises(AttributeError):
        one.hex = "f" * 64
    with pytest.raises(AttributeError):
        del one.hex
    assert str(one) == SHA256


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_compute_is_what_hashlib_says(algorithm: str) -> None:
    assert compute(b"moorage", algorithm).hex == hashlib.new(algorithm, b"moorage").hexdigest()
    assert compute(b"moorage", algorithm).algorithm == algorithm


@pytest.mark.parametrize("make", [Hasher, lambda algorithm: compute(b"", algorithm)])
def test_an_unknown_algorithm_is_refused(make: type[Hasher]) -> None:
    with pytest.raises(DigestInvalid):
        make("md5")


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_hasher_can_be_asked_in_between(algorithm: str) -> None:
    hasher = Hasher(algorithm)
    seen = b""
    for piece in (b"", b"a", b"b" * 63, b"c" * 64, b"d" * 40_000, b"e"):
        hasher.update(piece)
        seen += piece

        assert hasher.digest() == compute(seen, algorithm)
        assert hasher.size_bytes == len(seen)


@given(
    st.sampled_from(["sha256", "sha512"]), st.lists(st.integers(0, 400), max_size=8), st.randoms(use_true_random=False)
)
def test_a_saved_hash_goes_on_anywhere(algorithm: str, sizes: list[int], rng: random.Random) -> None:
    hasher, seen = Hasher(algorithm), b""
    for size in sizes:
        piece = rng.randbytes(size)
        seen += piece
        hasher.update(piece)
        if Hasher.can_resume(algorithm):
            hasher = Hasher.resume(algorithm, hasher.state())

    assert hasher.digest() == compute(seen, algorithm)
    assert hasher.size_bytes == len(seen)


def test_a_state_goes_on_in_another_process(platform: str) -> None:
    if platform == "fallback":
        assert Hasher().state() == b""
        return
    hasher = Hasher()
    hasher.update(b"moor" * 1000)
    program = (
        "import sys; from moorage.oci.digest import Hasher;"
        f"h = Hasher.resume('sha256', bytes.fromhex('{hasher.state().hex()}')); h.update(b'age'); print(h.digest())"
    )

    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip()

    assert said == str(compute(b"moor" * 1000 + b"age"))


def test_lengths_over_half_a_gigabyte_keep_their_high_word(platform: str) -> None:
    """The bit count of SHA-256 has two 32-bit words; 512 MiB is where the second one begins."""
    if platform == "fallback":
        return
    block = bytes(1 << 20)
    plain, hasher = hashlib.sha256(), Hasher()
    for _ in range(513):
        plain.update(block)
        hasher.update(block)
    hasher = Hasher.resume("sha256", hasher.state())
    hasher.update(b"end")
    plain.update(b"end")

    assert hasher.digest().hex == plain.hexdigest()


def test_a_state_that_does_not_fit_is_refused(platform: str) -> None:
    if platform == "fallback":
        with pytest.raises(ValueError, match="no hash state"):
            Hasher.resume("sha256", bytes(42))
        return
    hasher = Hasher()
    hasher.update(b"abc")
    state = hasher.state()
    broken = {
        "empty": b"",
        "short": state[:20],
        "pending byte missing": state[:-1],
        "pending byte too many": state + b"x",
        "other version": b"\x02" + state[1:],
        "other algorithm": state[:1] + b"\x02" + state[2:],
        "other size": state[:34] + struct.pack(">Q", 4) + state[42:],
    }

    for text in broken.values():
        with pytest.raises(ValueError, match="hash state"):
            Hasher.resume("sha256", text)
    with pytest.raises(ValueError, match="hash state"):
        Hasher.resume("sha512", state)


def test_without_the_library_there_is_nothing_to_save(platform: str) -> None:
    assert Hasher.can_resume("sha256") == (platform == "native")
    assert bool(Hasher().state()) == (platform == "native")


def test_a_wrong_library_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: object) -> bool:
        return False

    monkeypatch.setattr(digest, "_native", {})
    monkeypatch.setattr(digest, "_is_right", wrong)
    digest._find_native()

    assert not Hasher.can_resume("sha256")
    assert not Hasher.can_resume("sha512")
