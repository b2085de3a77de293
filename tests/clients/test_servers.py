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
from tests.serving import Account, Moorage

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


@pytest.fixture(scope="module", params=WAYS)
def moorage(
    request: pytest.FixtureRequest, parts: Parts, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Moorage]:
    """A server of this module's own, with the projects `team` and `other`."""
    way: Way = request.param
    data = tmp_path_factory.mktemp("server") / "data"
    with contextlib.ExitStack() as stack:
        url = ""
        if way.postgres:
            postgres = parts.get("postgres", Postgres)
            name = postgres.create()
            stack.callback(postgres.drop, name)
            url = postgres.url(name)
        started = stack.enter_context(serving.serve(data, settings=way.settings, database_url=url, workers=way.workers))
        started.create_project("team")
        started.create_project("other")
        yield started


@pytest.fixture(scope="module")
def account(moorage: Moorage) -> Account:
    """An administrator of both projects."""
    account = moorage.create_user("alice")
    for project in ("team", "other"):
        moorage.add_member(project, account, "admin")
    return account


@pytest.fixture
def crane(request: pytest.FixtureRequest, moorage: Moorage, account: Account, parts: Parts, record: Record) -> Client:
    """A crane that is signed in."""
    folder: Path = request.getfixturevalue("tmp_path")
    for text, instead in ((account.password, "PASSWORD"), (moorage.host, "HOST"), (str(folder), "FOLDER")):
        record.hide(text, instead)
    part = parts.get("crane", Crane)
    client = Client(Setting(request.node.name, moorage.host, folder, parts, record), part, part.program)
    words = ("auth", "login", "--username", account.username, "--password-stdin", moorage.host)
    client.run(*words, given=account.password)
    return client


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
