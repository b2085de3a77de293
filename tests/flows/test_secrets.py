"""The key that seals secrets is changed while a server runs; whatever happens, every secret opens."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import LargeBinary, insert, select

from moorage.configuration import service as configuration
from moorage.configuration.service import set_items, unpack
from moorage.db.base import Base
from moorage.db.encrypted_columns import list_sealed_columns
from moorage.db.engine import Database
from moorage.db.unit_of_work import Work
from moorage.events import SYSTEM
from moorage.registries.tables import Registry
from moorage.secret_encryption import Seals
from moorage.system import key_rotation
from moorage.wiring import open_database
from tests import serving
from tests.faults.place import Place

SECRET = "s3cret-of-the-directory"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.part("postgres"))])
def moorage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[serving.Moorage]:
    """A started server with secrets: a bind password and some credentials of other registries."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    with serving.serve(tmp_path / "data", database_url=url) as started:
        place = Place(tmp_path / "data", url)
        database, seals = open_database(place.settings), Seals(place.settings.seal_key_folder)
        database.run_here(SYSTEM, lambda work: set_items(work, seals, {"ldap_search_password": SECRET}))
        database.run_here(SYSTEM, add_registries, seals)
        database.engine.dispose()
        yield started


def add_registries(work: Work, seals: Seals) -> None:
    """250 of them, each with a secret of its own."""
    for number in range(1, 251):
        sealed = seals.seal(f"secret {number}", table="registry", row=str(number), column="sealed_secret")
        values = {
            "name": f"r{number}",
            "kind": "distribution",
            "url": "https://registry.example",
            "sealed_secret": sealed,
        }
        work.db.execute(insert(Registry).values(**values, created_at=work.now, updated_at=work.now))
        (made,) = work.db.execute(select(Registry.id).where(Registry.name == f"r{number}")).one()
        assert made == number


def open_all(database: Database, folder: Path) -> int:
    """Open every secret; with how many keys they are sealed."""
    seals = Seals(folder)

    def look(work: Work) -> int:
        items = unpack(configuration._read(work), seals)
        assert items.ldap_search_password.reveal() == SECRET
        for number, sealed in work.db.execute(select(Registry.id, Registry.sealed_secret)):
            assert sealed is not None
            found = seals.open(bytes(sealed), table="registry", row=str(number), column="sealed_secret")
            assert found == f"secret {number}"
        return sum(1 for count in key_rotation.count_all(work).values() if count)

    return database.run_here(SYSTEM, look)


def test_every_column_of_sealed_bytes_is_marked() -> None:
    """Sealed bytes have no bound; what has none and is not sealed is named here."""
    sealed = list_sealed_columns()  # first: it loads all tables
    others = {"manifest.bytes", "preferences.document", "proxy_manifest.bytes"}
    unbounded = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary) and column.type.length is None
    }
    assert {f"{column.table.name}.{column.name}" for column in sealed} == unbounded - others
    for column in sealed:
        assert len(column.table.primary_key.columns) == 1
        assert column.nullable


def test_a_key_is_rotated_while_the_server_runs(moorage: serving.Moorage) -> None:
    place = Place(moorage.data, moorage._settings.get("database.url", ""))  # type: ignore[arg-type]
    folder = place.settings.seal_key_folder
    database = open_database(place.settings)
    (before,) = json.loads(moorage.run("secrets", "status", "--json").stdout)
    assert (before["state"], before["secrets"], before["needed"]) == ("seals", 251, True)

    done = json.loads(moorage.run("secrets", "rotate", "--json").stdout)

    assert (done["sealed"], done["left"], done["broken"], done["old"]) == (251, 0, [], [before["id"]])
    assert open_all(database, folder) == 1
    # The running server reads and changes them: it finds the new key by itself.
    answer = httpx.put(
        f"{moorage.url}/api/v2.0/configurations", json={"ldap_search_password": SECRET},
        auth=(moorage.admin.username, moorage.admin.password), timeout=60,
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    assert open_all(database, folder) == 1
    early = moorage.run("secrets", "retire", check=False)
    assert early.returncode
    assert "restart it" in early.stderr

    moorage.restart()
    retired = json.loads(moorage.run("secrets", "retire", "--json").stdout)

    assert retired["retired"] == [before["id"]]
    (old,) = retired["files"]
    Path(old).unlink()
    moorage.restart()
    assert open_all(database, folder) == 1
    rows = database.run_here(SYSTEM, audited)
    assert rows == [(done["key"], {"retired": []}), (done["key"], {"retired": [before["id"]]})]
    assert SECRET not in moorage.log_text()
    database.engine.dispose()


def audited(work: Work) -> list[tuple[str, Any]]:
    """What the audit log has of keys."""
    audit = Base.metadata.tables["audit"]
    asked = select(audit.c.resource, audit.c.detail).where(audit.c.resource_type == "seal-key").order_by(audit.c.id)
    return [(row[0], row[1]) for row in work.db.execute(asked)]


@pytest.mark.parametrize("steps", [1, 3])
def test_a_rotation_that_is_cut_off_leaves_everything_readable_and_goes_on(
    moorage: serving.Moorage, steps: int
) -> None:
    place = Place(moorage.data, moorage._settings.get("database.url", ""))  # type: ignore[arg-type]
    folder = place.settings.seal_key_folder
    database = open_database(place.settings)
    first = Seals(folder).key_id
    from moorage.secret_encryption import create_seal_key  # noqa: PLC0415

    second = create_seal_key(folder)
    rotation = key_rotation.rotate(lambda story, *args: database.run_here(SYSTEM, story, *args), Seals(folder))
    for _ in range(steps):
        next(rotation)
    rotation.close()

    assert open_all(database, folder) == (2 if steps > 1 else 1)
    refused = moorage.run("secrets", "retire", check=False)
    assert refused.returncode
    done = json.loads(moorage.run("secrets", "rotate", "--json").stdout)

    assert (done["key"], done["old"], done["left"]) == (second, [first], 0), "another key was made"
    assert open_all(database, folder) == 1
    assert json.loads(moorage.run("secrets", "rotate", "--json").stdout)["key"] != second, "it was over"
    assert open_all(database, folder) == 1
    database.engine.dispose()


def test_a_secret_that_does_not_open_is_told_and_keeps_its_key(moorage: serving.Moorage) -> None:
    place = Place(moorage.data, moorage._settings.get("database.url", ""))  # type: ignore[arg-type]
    place.execute("UPDATE registry SET sealed_secret = (SELECT sealed_secret FROM registry WHERE id = 2) WHERE id = 1")

    done = moorage.run("secrets", "rotate", "--json", check=False)

    told = json.loads(done.stdout)
    assert (done.returncode, told["sealed"], len(told["broken"])) == (1, 250, 1)
    assert "registry.sealed_secret of row 1" in told["broken"][0]
    moorage.restart()
    assert moorage.run("secrets", "retire", check=False).returncode == 1
