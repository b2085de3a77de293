"""Build the Go clients of tests/clients/go.txt that are not built yet.

    python -m tools.build_go_tools

They lie in `${MOORAGE_CACHE:-.cache}/go/HASH/bin`, HASH being that of go.txt: another version is another folder,
and an old one may be deleted at any time.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / "tests" / "clients" / "go.txt"


@dataclass(frozen=True)
class Pin:
    """One line of go.txt."""

    module: str
    version: str
    command: str
    checksum: str

    @property
    def package(self) -> str:
        """What `go install` builds, without its version."""
        return self.module if self.command == "." else f"{self.module}/{self.command}"

    @property
    def name(self) -> str:
        """The program's name."""
        return self.package.rpartition("/")[2]


def pins(file: Path = PINS) -> dict[str, Pin]:
    """The lines of go.txt by program name."""
    lines = (line.split() for line in file.read_text().splitlines() if line and not line.startswith("#"))
    return {pin.name: pin for pin in (Pin(*words) for words in lines)}


def cache() -> Path:
    """Where what is built or unpacked for tests is kept between runs."""
    return Path(os.environ.get("MOORAGE_CACHE") or ROOT / ".cache").resolve()


def folder(file: Path = PINS) -> Path:
    """Where the programs of this go.txt lie once they are built."""
    return cache() / "go" / hashlib.sha256(file.read_bytes()).hexdigest()[:16] / "bin"


def build(pin: Pin, go: str, into: Path) -> None:
    """Check the module's hash, build the program, put it in place.

    Raises:
        subprocess.CalledProcessError: go could not fetch or build it.
        ValueError: the module is not the one that go.txt names.
    """
    shown = subprocess.run(
        [go, "mod", "download", "-json", f"{pin.module}@{pin.version}"], check=True, stdout=subprocess.PIPE, cwd=into
    )
    found = json.loads(shown.stdout)["Sum"]
    if found != pin.checksum:
        raise ValueError(f"{pin.module} {pin.version} has the hash {found}, go.txt says {pin.checksum}")
    place = into / f"building-{pin.name}-{os.getpid()}"
    flags = ["-trimpath", "-buildvcs=false", "-ldflags=-s -w"]
    subprocess.run(
        [go, "install", *flags, f"{pin.package}@{pin.version}"],
        check=True,
        cwd=into,
        env={**os.environ, "GOBIN": str(place), "CGO_ENABLED": "0"},
    )
    (place / pin.name).rename(into / pin.name)
    place.rmdir()


def main(file: Path = PINS) -> int:
    """Build what is missing; 1 when there is no go or something did not build."""
    into = folder(file)
    into.mkdir(parents=True, exist_ok=True)
    missing = [pin for pin in pins(file).values() if not (into / pin.name).exists()]
    go = shutil.which("go")
    if missing and go is None:
        print(f"go is not installed: {', '.join(pin.name for pin in missing)} not built", file=sys.stderr)
        return 1
    failed = 0
    for pin in missing:
        began = time.monotonic()
        try:
            build(pin, str(go), into)
        except (subprocess.CalledProcessError, ValueError) as exc:
            print(f"{pin.name}: {exc}", file=sys.stderr)
            failed = 1
        else:
            print(f"{pin.name} {pin.version} built in {time.monotonic() - began:.0f} s")
    print(into)
    return failed


if __name__ == "__main__":
    sys.exit(main())
