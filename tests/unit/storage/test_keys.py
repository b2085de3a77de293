"""Keys and segments: names in, meaning out."""

import pytest

from moorage.ids import UploadId
from moorage.oci.digest import Digest
from moorage.storage.keys import find_digest, place_in_folders
from moorage.storage.upload_segments import BlobKey, Chain, Segment, blob_key, follow

UPLOAD = UploadId("0123456789abcdef" * 2)
SHA256 = Digest("sha256:" + "ab" * 32)
SHA512 = Digest("sha512:" + "cd" * 64)


@pytest.mark.parametrize("digest", [SHA256, SHA512], ids=["sha256", "sha512"])
@pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
def test_a_folder_key_tells_its_digest(digest: Digest, *, first: bool) -> None:
    key = place_in_folders(digest, UPLOAD, first=first)

    assert key.endswith("/data" if first else f"/data.{UPLOAD}")
    assert find_digest(key) == digest


@pytest.mark.parametrize("chain", [Chain(), Chain(1, "01234567"), Chain(12_345, "89abcdef")], ids=str)
def test_an_object_key_tells_its_digest_and_its_segments(chain: Chain) -> None:
    key = blob_key(SHA512, UPLOAD, chain)

    assert find_digest(key) == SHA512
    assert BlobKey.find(key) == BlobKey(UPLOAD, chain)
    assert Chain.read(chain.note()) == chain
    assert len(chain.note()) <= 20


@pytest.mark.parametrize(
    "key",
    [
        "a", "docker/registry/v2/blobs/sha256/ab/abc/data",
        f"docker/registry/v2/blobs/sha256/cd/{'ab' * 32}/data",
        f"docker/registry/v2/blobs/sha256/ab/{'ab' * 32}/data.old",
        f"docker/registry/v2/blobs/sha512/ab/{'ab' * 32}/data",
        f"docker/registry/v2/repositories/a/_layers/sha256/{'ab' * 32}/link",
        f"uploads/{UPLOAD}/000000.00000000.01234567",
        f"uploads/{UPLOAD}/sha256.{'ab' * 31}.1.01234567",
        f"uploads/{UPLOAD}/sha256.{'ab' * 32}.1",
    ],
)  # fmt: skip
def test_other_names_are_no_blobs(key: str) -> None:
    assert find_digest(key) is None


def test_a_chain_leads_past_attempts_that_failed() -> None:
    tokens = ["11111111", "22222222", "33333333"]
    chain, listed, good = Chain(), [], []
    for number, token in enumerate(tokens):
        listed.append(Segment(chain.next_name(UPLOAD, f"dead{number:04}"), 99))
        good.append(Segment(chain.next_name(UPLOAD, token), number))
        listed.append(good[-1])
        chain = chain.grown(token)
    listed.append(Segment(chain.next_name(UPLOAD, "deadbeef"), 99))
    listed.append(Segment(blob_key(SHA256, UPLOAD, chain), 5))

    assert follow(chain, listed) == good
    assert follow(Chain(2, tokens[1]), listed) == good[:2]
    assert follow(Chain(), listed) == []


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_chain_with_a_gap_is_none(missing: int) -> None:
    chain, listed = Chain(), []
    for token in ("11111111", "22222222", "33333333"):
        listed.append(Segment(chain.next_name(UPLOAD, token), 1))
        chain = chain.grown(token)
    del listed[missing]

    assert follow(chain, listed) is None


def test_one_segment_is_named_by_the_key_alone() -> None:
    chain = Chain().grown("89abcdef")
    blob = BlobKey.find(blob_key(SHA256, UPLOAD, chain))

    assert blob is not None
    assert blob.only_segment() == Chain().next_name(UPLOAD, "89abcdef")
    assert BlobKey(UPLOAD, Chain(2, "89abcdef")).only_segment() is None
    assert BlobKey(UPLOAD, Chain()).only_segment() is None
