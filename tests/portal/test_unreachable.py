"""`make run` where npm's registry cannot be reached: the server runs without its page and says how to build it."""

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from moorage.site.portal import MISSING
from tests.commands import clean_environment
from tests.parts.base import Server, free_port

ROOT = Path(__file__).resolve().parents[2]
SETS = ("requirements/run.txt", "requirements/build.txt")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the project with a page that was never built, and a .venv whose packages are those of this run."""
    made = tmp_path / "tree"
    left = shutil.ignore_patterns("node_modules", "dist", "generated", "files", "files.old")
    for name in ("moorage", "portal"):
        shutil.copytree(ROOT / name, made / name, ignore=left)  # with their times: what is compiled stays so
    for name in ("Makefile", "pyproject.toml", "tools/setup.sh", "tools/portal.py", *SETS):
        (made / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, made / name)
    programs = made / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, words in (("python", ""), ("pip", " -m pip"), ("moorage", " -m moorage")):
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}"{words} "$@"\n')
        (programs / name).chmod(0o755)
    set_up = b"".join((made / name).read_bytes() for name in SETS) + f"{made}\n{programs / 'python'}\n".encode()
    for name, of in (("run.stamp", set_up), ("project.stamp", (made / "pyproject.toml").read_bytes())):
        (made / ".venv" / name).write_text(f"{hashlib.sha256(of).hexdigest()}  -\n")
    (made / ".venv" / "place").write_text(f"{made}\n")
    return made


@pytest.fixture
def running(tree: Path) -> Iterator[tuple[Server, str]]:
    """`make run` in that tree, and where it serves."""
    port = free_port()
    environment = clean_environment(
        PYTHONPATH=str(tree),
        HOME=str(tree),
        MOORAGE_LISTEN=f"127.0.0.1:{port}",
        npm_config_registry=f"http://127.0.0.1:{free_port()}",  # nobody is there
        npm_config_fetch_retries="0",
        npm_config_cache=str(tree / "npm"),
    )
    hidden = [word for name in os.environ if name not in environment for word in ("-u", name)]
    server = Server(["env", *hidden, "make", "-C", tree, "run"], tree / "log", environment=environment)
    try:
        yield server, f"http://127.0.0.1:{port}"
    finally:
        server.stop()


@pytest.mark.part("portal")
def test_without_npm_the_server_runs_and_says_how_its_page_is_built(running: tuple[Server, str]) -> None:
    server, url = running

    def answers() -> bool:
        try:
            return httpx.get(url + "/readyz", timeout=60).status_code == 200
        except httpx.TransportError:
            return False

    server.wait(answers, what="make run", seconds=90)
    log = server.log.read_text()
    page = httpx.get(url + "/", headers={"accept": "text/html"}, timeout=60)
    assert "its packages could not be installed" in log
    assert "the server runs without its web page; `python tools/portal.py` builds it later" in log
    assert MISSING in log
    assert (page.status_code, page.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert MISSING in page.text
    assert httpx.get(url + "/v2/", timeout=60).status_code == 401
