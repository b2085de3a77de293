"""Small real images, made here: no network, no builder, and the same digests on every machine.

An image holds one static program of under 200 bytes (written below as machine code, so that it needs neither
a compiler nor a base image) that prints a line, and a file of noise that gives it a size. It runs under
docker, podman and ctr; what a client pushed and pulled is therefore known to be whole when it still runs.
"""

import gzip
import hashlib
import io
import json
import random
import struct
import tarfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

MIB = 1 << 20

IMAGE_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
IMAGE_INDEX = "application/vnd.oci.image.index.v1+json"
IMAGE_CONFIG = "application/vnd.oci.image.config.v1+json"
IMAGE_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CHART_CONFIG = "application/vnd.cncf.helm.config.v1+json"
CHART_CONTENT = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

# A fixed time, in the images' configs and file entries: 2024-01-01.
CREATED = "2024-01-01T00:00:00Z"
CREATED_SECONDS = 1704067200


@dataclass(frozen=True)
class Blob:
    """Bytes with a media type, as a descriptor names them."""

    media_type: str
    data: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """`sha256:` and the digest in hex."""
        return "sha256:" + hashlib.sha256(self.data).hexdigest()

    def descriptor(self, **more: object) -> dict[str, object]:
        """The OCI descriptor; `more` adds fields such as `platform`."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data), **more}


@dataclass(frozen=True)
class Image:
    """One image: its manifest, and the blobs the manifest names."""

    manifest: Blob
    config: Blob
    layers: tuple[Blob, ...]
    platform: Mapping[str, str]

    @property
    def digest(self) -> str:
        """The manifest's digest."""
        return self.manifest.digest

    def blobs(self) -> Iterable[Blob]:
        """All blobs, the manifest included."""
        return (self.manifest, self.config, *self.layers)


@dataclass(frozen=True)
class Index:
    """An image for several platforms."""

    manifest: Blob
    images: tuple[Image, ...]

    @property
    def digest(self) -> str:
        """The index's digest."""
        return self.manifest.digest

    def blobs(self) -> Iterable[Blob]:
        """All blobs of all images, the manifests and the index included."""
        return (self.manifest, *(blob for image in self.images for blob in image.blobs()))


def image(
    says: str = "moored", *, size_bytes: int = 2 * MIB, architecture: str = "amd64", base: Image | None = None
) -> Image:
    """An image that prints `says` when it runs.

    Args:
        says: the line it prints; another line is another image.
        size_bytes: about how large its noise layer is; ignored when `base` is given.
        architecture: `amd64` or `arm64`.
        base: take the lower layers of this image, so that two images share them.
    """
    lower = base.layers[:1] if base else (_layer({"noise": (0o644, _noise(says, size_bytes))}),)
    upper = _layer({"say": (0o755, _program(says + "\n", architecture))})
    layers = (*lower, upper)
    config = Blob(
        IMAGE_CONFIG,
        _json(
            {
                "created": CREATED,
                "architecture": architecture,
                "os": "linux",
                "config": {"Entrypoint": ["/say"], "Labels": {"org.opencontainers.image.title": says}},
                "rootfs": {"type": "layers", "diff_ids": [_diff_id(layer) for layer in layers]},
                "history": [{"created": CREATED, "created_by": "tests/clients/images.py"} for _ in layers],
            }
        ),
    )
    return Image(_manifest(config, *layers), config, layers, {"architecture": architecture, "os": "linux"})


def _manifest(config: Blob, *layers: Blob) -> Blob:
    named = {"config": config.descriptor(), "layers": [layer.descriptor() for layer in layers]}
    return Blob(IMAGE_MANIFEST, _json({"schemaVersion": 2, "mediaType": IMAGE_MANIFEST, **named}))


def index(*images: Image) -> Index:
    """An index of `images`, each with its platform."""
    manifest = Blob(
        IMAGE_INDEX,
        _json(
            {
                "schemaVersion": 2,
                "mediaType": IMAGE_INDEX,
                "manifests": [one.manifest.descriptor(platform=one.platform) for one in images],
            }
        ),
    )
    return Index(manifest, images)


def chart(name: str, files: Mapping[str, str]) -> Image:
    """A Helm chart as helm pushes it; `files`: right in its folder, `Chart.yaml` among them."""
    content = Blob(
        CHART_CONTENT, _gzip(_tar({f"{name}/{file}": (0o644, text.encode()) for file, text in files.items()}))
    )
    config = Blob(CHART_CONFIG, _json({"name": name, "version": "0.1.0", "apiVersion": "v2"}))
    return Image(_manifest(config, content), config, (content,), {})


def write_layout(folder: Path, tagged: Mapping[str, Image | Index]) -> Path:
    """Write an OCI image layout: what skopeo calls `oci:`, oras and crane read too.

    Source: OCI image-spec v1.1, "Image Layout".
    """
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for what in tagged.values():
        for blob in what.blobs():
            (blobs / blob.digest.removeprefix("sha256:")).write_bytes(blob.data)
    (folder / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))
    manifests = [
        what.manifest.descriptor(annotations={"org.opencontainers.image.ref.name": tag}) for tag, what in tagged.items()
    ]
    (folder / "index.json").write_bytes(_json({"schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": manifests}))
    return folder


def write_layout_archive(path: Path, tagged: Mapping[str, Image | Index]) -> Path:
    """Write an OCI image layout as one tar file, which `ctr images import` and `podman load` read."""
    folder = write_layout(path.with_name(path.name + ".layout"), tagged)
    entries = {
        str(file.relative_to(folder)): (0o644, file.read_bytes()) for file in folder.rglob("*") if file.is_file()
    }
    path.write_bytes(_tar(entries))
    return path


def write_docker_archive(path: Path, tagged: Mapping[str, Image]) -> Path:
    """Write what `docker save` writes, for `docker load`. Keys are `name:tag`."""
    entries: dict[str, tuple[int, bytes]] = {}
    listed: list[dict[str, object]] = []
    for name, one in tagged.items():
        config = one.config.digest.removeprefix("sha256:") + ".json"
        entries[config] = (0o644, one.config.data)
        names = []
        for layer in one.layers:
            names.append(layer.digest.removeprefix("sha256:") + "/layer.tar")
            entries[names[-1]] = (0o644, gzip.decompress(layer.data))
        listed.append({"Config": config, "RepoTags": [name], "Layers": names})
    entries["manifest.json"] = (0o644, _json(listed))
    path.write_bytes(_tar(entries))
    return path


def write_chart(folder: Path, name: str = "quay-wall", version: str = "0.1.0") -> Path:
    """Write a small Helm chart as a folder; `helm package` does the rest."""
    chart = folder / name
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(
        f"apiVersion: v2\nname: {name}\nversion: {version}\ndescription: A chart to push\ntype: application\n"
    )
    (chart / "values.yaml").write_text("replicas: 1\n")
    (chart / "templates" / "settings.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n"
        "data:\n  replicas: {{ .Values.replicas | quote }}\n"
    )
    return chart


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _noise(seed: str, size_bytes: int) -> bytes:
    return random.Random(seed).randbytes(size_bytes)


def _layer(files: Mapping[str, tuple[int, bytes]]) -> Blob:
    return Blob(IMAGE_LAYER, _gzip(_tar(files)))


def _diff_id(layer: Blob) -> str:
    return "sha256:" + hashlib.sha256(gzip.decompress(layer.data)).hexdigest()


def _tar(files: Mapping[str, tuple[int, bytes]]) -> bytes:
    """A tar of `files` (name: mode and content), sorted, without anything of this machine in it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, (mode, content) in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(content), mode, CREATED_SECONDS
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _gzip(data: bytes) -> bytes:
    """`data` as gzip with stored blocks only, written here because compressors differ from machine to machine.

    Source: RFC 1952 (the header and trailer), RFC 1951 section 3.2.4 (stored blocks).
    """
    pieces = [data[start : start + 0xFFFF] for start in range(0, len(data), 0xFFFF)] or [b""]
    blocks = [
        struct.pack("<BHH", number == len(pieces) - 1, len(piece), len(piece) ^ 0xFFFF) + piece
        for number, piece in enumerate(pieces)
    ]
    header = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
    return header + b"".join(blocks) + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def _program(text: str, architecture: str) -> bytes:
    """A static Linux program that prints `text` and ends with status 0: an ELF header and a few instructions.

    Source: System V ABI, "Object Files"; the system calls write and exit of each architecture.
    """
    base, code_at = 0x400000, 64 + 56
    said = text.encode()
    if architecture == "amd64":
        machine, length = 62, 32
        code = (
            b"\xb8\x01\x00\x00\x00"  # mov eax, 1 (write)
            b"\xbf\x01\x00\x00\x00"  # mov edi, 1 (standard output)
            b"\xbe" + struct.pack("<I", base + code_at + length) + b"\xba" + struct.pack("<I", len(said)) + b"\x0f\x05"
            b"\xb8\x3c\x00\x00\x00"  # mov eax, 60 (exit)
            b"\x31\xff"  # xor edi, edi
            b"\x0f\x05\x90"  # syscall; nop
        )
    elif architecture == "arm64":
        machine, length = 183, 32

        def movz(register: int, value: int) -> int:
            return 0xD2800000 | value << 5 | register

        code = struct.pack(
            "<8I",
            movz(0, 1),
            0x10000000 | 7 << 5 | 1,  # adr x1: the text, seven instructions on
            movz(2, len(said)),
            movz(8, 64),
            0xD4000001,
            movz(0, 0),
            movz(8, 93),
            0xD4000001,
        )
    else:
        message = f"no program for {architecture}"
        raise ValueError(message)
    assert len(code) == length
    whole = code_at + length + len(said)
    identity = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    head = struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, base + code_at, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, whole, whole, 0x1000)
    return identity + head + segment + code + said
