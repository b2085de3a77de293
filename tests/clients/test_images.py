"""The images are the same everywhere: their digests are part of the tests."""

import gzip
import io
import platform
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.clients import images


def test_an_image_has_the_same_digest_on_every_machine() -> None:
    one = images.image("moored", size_bytes=1000)
    both = images.index(one, images.image("moored", size_bytes=1000, architecture="arm64"))

    assert one.digest == "sha256:c6dce3e5f20f54d29c7b196766802922dfec788653435c214bf54d2a28b281dd"
    assert both.digest == "sha256:5fd5b5039ea010ac76a6f3a775ceaa40f836ad5a560cd7812b75acf8760c527c"


def test_an_image_on_a_base_shares_its_layer() -> None:
    one = images.image("one")
    two = images.image("two", base=one)

    assert two.layers[0] == one.layers[0]
    assert two.layers[1] != one.layers[1]
    assert images.image("two").layers[0] != one.layers[0]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="runs machine code for x86_64")
def test_its_program_prints_its_line(tmp_path: Path) -> None:
    layer = images.image("moored", size_bytes=10).layers[1]
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer.data))) as tar:
        tar.extraction_filter = getattr(tarfile, "data_filter", None)  # Python before 3.11.4 has none
        tar.extractall(tmp_path)  # noqa: S202 - an image of our own

    assert subprocess.run([tmp_path / "say"], check=True, capture_output=True).stdout == b"moored\n"
