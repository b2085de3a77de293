"""One registry for all client tests, with the accounts they sign in with, and the record of what was run."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import serving
from tests.clients import images
from tests.clients.client import Record, Setting
from tests.parts import Parts
from tests.serving import Account, Registry

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="session")
def record() -> Iterator[Record]:
    """What this run does with the clients."""
    record = Record()
    yield record
    record.write(ROOT / "reports")


@pytest.fixture(scope="session")
def registry(record: Record, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """The registry under test, with the private projects `team` and `other` and the public project `library`."""
    with serving.serve(tmp_path_factory.mktemp("registry") / "data") as moorage:
        record.hide(moorage.host, "HOST")
        moorage.create_project("team")
        moorage.create_project("other")
        yield moorage


@pytest.fixture(scope="session")
def alice(registry: Registry, record: Record) -> Account:
    """An administrator of the projects `team`, `other` and `library`."""
    account = registry.create_user("alice")
    for project in ("team", "other", "library"):
        registry.add_member(project, account, "admin")
    record.hide(account.password, "PASSWORD")
    return account


@pytest.fixture(scope="session")
def bob(registry: Registry, record: Record) -> Account:
    """A guest of the project `team`: pulls, and nothing else."""
    account = registry.create_user("bob")
    registry.add_member("team", account, "guest")
    record.hide(account.password, "PASSWORD")
    return account


_number = itertools.count(1)


@pytest.fixture
def carol(registry: Registry) -> Account:
    """Somebody of one test alone, whose password is typed wrong: whoever else signs in is not slowed down for it."""
    return registry.create_user(f"carol{next(_number)}")


@pytest.fixture(autouse=True)
def _clean_log(request: pytest.FixtureRequest) -> Iterator[None]:
    """A traceback in the server's log fails the test that ran then."""
    if "registry" not in request.fixturenames:
        yield
        return
    registry: Registry = request.getfixturevalue("registry")
    registry.check_log()
    yield
    registry.check_log()


@pytest.fixture
def repository(request: pytest.FixtureRequest) -> str:
    """A repository of this test's own in the project `team`, without the host."""
    return "team/" + re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower()).strip("-")


@pytest.fixture
def image(repository: str) -> images.Image:
    """A 2 MB image that no other test has, and that says the repository's name when it runs."""
    return images.image(repository)


@pytest.fixture
def setting(
    request: pytest.FixtureRequest, registry: Registry, parts: Parts, record: Record, tmp_path: Path
) -> Setting:
    """What this test gives to its clients."""
    record.hide(str(tmp_path), "FOLDER")
    return Setting(request.node.name, registry.host, tmp_path, parts, record)
