"""One story, with each way the server can be run: databases, numbers of workers, the kind of challenge."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import serving
from tests.clients import images
from tests.clients.client import Client, Record, Setting
from tests.parts import Parts
from tests.parts.crane import Crane
from tests.parts.postgres import Postgres
from tests.serving import Moorage

pytestmark = pytest.mark.part("crane")


@dataclass(frozen=True)
class Way:
    """How the server is run.

    Attributes:
        postgres: on PostgreSQL instead of SQLite.
        workers: how many processes answer.
        settings: more of them.
    """

    postgres: bool = False
    workers: int = 1
    settings: dict[str, Any] = field(default_factory=dict)  # JSON values


WAYS = [
    pytest.param(Way(), id="sqlite"),
    pytest.param(Way(workers=2), id="sqlite, 2 workers"),
    pytest.param(Way(settings={"registry_auth": "basic"}), id="sqlite, basic"),
    pytest.param(Way(postgres=True), id="postgres", marks=pytest.mark.part("postgres")),
    pytest.param(Way(postgres=True, workers=2), id="postgres, 2 workers", marks=pytest.mark.part("postgres")),
]


@pytest.fixture
def moorage(request: pytest.FixtureRequest, parts: Parts, tmp_path: Path) -> Iterator[Moorage]:
    """A server of the test's own, with a user and two projects."""
    way: Way = request.param
    with contextlib.ExitStack() as stack:
        url = ""
        if way.postgres:
            postgres = parts.get("postgres", Postgres)
            name = postgres.create()
            stack.callback(postgres.drop, name)
            url = postgres.url(name)
        yield stack.enter_context(
            serving.serve(tmp_path / "data", settings=way.settings, database_url=url, workers=way.workers)
        )


@pytest.fixture
def crane(request: pytest.FixtureRequest, moorage: Moorage, parts: Parts, record: Record, tmp_path: Path) -> Client:
    """A crane that is signed in as an administrator of the projects `team` and `other`."""
    for project in ("team", "other"):
        moorage.create_project(project)
    alice = moorage.create_user("alice")
    for project in ("team", "other"):
        moorage.add_member(project, alice, "admin")
    for text, instead in ((alice.password, "PASSWORD"), (moorage.host, "HOST"), (str(tmp_path), "FOLDER")):
        record.hide(text, instead)
    part = parts.get("crane", Crane)
    client = Client(Setting(request.node.name, moorage.host, tmp_path, parts, record), part, part.program)
    client.run("auth", "login", "--username", "alice", "--password-stdin", moorage.host, given=alice.password)
    return client


@pytest.mark.parametrize("moorage", WAYS, indirect=True)
def test_what_was_pushed_outlives_a_restart_and_a_kill(moorage: Moorage, crane: Client) -> None:
    first = images.image("first")
    layout = images.write_layout(crane.folder / "layout", {"1": first})
    one, two = f"{moorage.host}/team/first:1", f"{moorage.host}/other/mounted:1"

    crane.run("push", layout, one)
    moorage.restart()
    crane.run("copy", one, two)
    moorage.kill()
    moorage.start()

    for name in (one, two):
        assert crane.run("digest", name).strip() == first.digest
        assert "PASS" in crane.output("validate", "--remote", name)
    crane.run("delete", one)
    crane.refuses("digest", one)
    assert crane.run("digest", two).strip() == first.digest


@pytest.mark.parametrize("moorage", WAYS, indirect=True)
def test_many_push_at_once_and_share_a_layer(moorage: Moorage, crane: Client) -> None:
    base = images.image("base", size_bytes=images.MIB)
    made = {f"{moorage.host}/team/many:{number}": images.image(f"number {number}", base=base) for number in range(8)}
    layouts = {
        name: images.write_layout(crane.folder / str(number), {"1": one})
        for number, (name, one) in enumerate(made.items())
    }

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: crane.run("push", layouts[name], name), made))

    assert crane.run("ls", f"{moorage.host}/team/many").split() == sorted(name.rpartition(":")[2] for name in made)
    for name, one in made.items():
        assert crane.run("digest", name).strip() == one.digest
        assert "PASS" in crane.output("validate", "--remote", name)
