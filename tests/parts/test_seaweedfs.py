"""The S3 store that the driver's contract runs against keeps, lists and refuses as S3 does."""

import obstore
import pytest
from obstore.exceptions import BaseError

from tests.parts import Parts
from tests.parts.seaweedfs import SeaweedFS

pytestmark = pytest.mark.part("seaweedfs")


def test_what_is_put_is_read_by_range(parts: Parts) -> None:
    seaweedfs = parts.get("seaweedfs", SeaweedFS)
    store = seaweedfs.store(seaweedfs.make_bucket())

    obstore.put(store, "a/b", b"moorage")

    assert bytes(obstore.get_range(store, "a/b", start=1, end=4)) == b"oor"
    assert [entry["path"] for page in obstore.list(store) for entry in page] == ["a/b"]


def test_a_wrong_secret_is_refused(parts: Parts) -> None:
    seaweedfs = parts.get("seaweedfs", SeaweedFS)
    bucket = seaweedfs.make_bucket()
    stranger = SeaweedFS()
    stranger.endpoint, stranger.secret_key = seaweedfs.endpoint, "another"

    with pytest.raises(BaseError):
        obstore.put(stranger.store(bucket), "a", b"x")
