"""Small images, pushed as any client would."""

import hashlib
from dataclasses import dataclass

from moorage.oci.digest import Digest
from tests.bench.load import Target, Wrong, ask, start_upload
from tests.bench.store import MANIFEST_TYPE, make_manifest

CONFIG = b'{"architecture":"amd64","os":"linux"}'
LAYER = b"moorage" * 293


@dataclass(frozen=True)
class Image:
    """A pushed image: one config, one layer."""

    tag: str
    digest: str
    layer: str

    def variant(self, name: str) -> bytes:
        """A manifest with the same blobs, and this name in an annotation."""
        return _manifest(name)


def push_image(target: Target, repository: str, tag: str) -> Image:
    """Push the image. Safe to repeat."""
    authorization = target.authorise(repository, "pull,push")
    for content in (CONFIG, LAYER):
        url = f"{start_upload(target, repository, authorization)}digest={_digest(content)}"
        path = url.partition(target.host)[2]
        headers = {"Authorization": authorization, "Content-Type": "application/octet-stream"}
        status, _, body = ask(target.host, "PUT", path, headers, content)
        if status != 201:
            raise Wrong(f"{target.label}: PUT of a blob: {status} {body[:300]!r}")
    raw = _manifest(tag)
    headers = {"Authorization": authorization, "Content-Type": MANIFEST_TYPE}
    status, _, body = ask(target.host, "PUT", f"/v2/{repository}/manifests/{tag}", headers, raw)
    if status != 201:
        raise Wrong(f"{target.label}: PUT of a manifest: {status} {body[:300]!r}")
    return Image(tag, str(_digest(raw)), str(_digest(LAYER)))


def _manifest(name: str) -> bytes:
    layers = [(_digest(LAYER), len(LAYER))]
    return make_manifest(_digest(CONFIG), len(CONFIG), layers, {"org.opencontainers.image.ref.name": name})


def _digest(content: bytes) -> Digest:
    return Digest(f"sha256:{hashlib.sha256(content).hexdigest()}")
