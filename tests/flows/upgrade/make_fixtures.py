"""Make the databases that later versions have to open: `python -m tests.flows.upgrade.make_fixtures`.

A server of this checkout is filled over its APIs, once on SQLite and once on PostgreSQL, and stopped. What it leaves is
written to tests/flows/upgrade/REVISION/: `sqlite.tar.xz` is a data folder, `postgresql.tar.xz` one with a dump of the
database as `dump.sql`. Run it after a new revision; the folders of older revisions are never made again.

The content is that of `tests/rest/recipes.py` (a project with one of everything), an artifact in the trash,
a second repository and an access token. All accounts, keys and secrets in it exist only there.
"""

import io
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

import httpx

from moorage.db.migrate import HEAD
from tests.parts.base import make_folder
from tests.parts.postgres import Postgres
from tests.rest.conftest import Caller
from tests.rest.recipes import make_place, push
from tests.serving import Account, Moorage

FOLDER = Path(__file__).parent
ADMIN = Account("admin", "Adm1n-of-the-fixture")
MEMBERS = {"guest": "gustav", "developer": "dora", "maintainer": "mia", "project_admin": "pia"}
PASSWORD = "Us3r-of-the-fixture"
LEFT_OUT = ("run", "moorage.db-wal", "moorage.db-shm")


def fill(moorage: Moorage) -> dict[str, str]:
    """Make one of everything; what a test looks for afterwards, as JSON can hold it."""
    admin = Caller(moorage, moorage.admin)
    members = {}
    for role, name in MEMBERS.items():
        body = {"username": name, "password": PASSWORD, "email": f"{name}@people.test", "realname": name}
        admin.make("/users", body)
        members[role] = Account(name, PASSWORD)
    place = make_place(admin, members)
    project = place.ids["project_name"]
    kept = dict(place.ids)
    kept["second_digest"] = push(admin, f"{project}/deep/tool", "v2")
    kept["trashed_digest"] = push(admin, f"{project}/gone", "v3")
    deleted = admin.send("DELETE", f"/projects/{project}/repositories/gone/artifacts/v3")
    assert deleted.status_code == 200, deleted.text
    secret = admin.send("PATCH", f"/robots/{kept['robot_id']}", {"secret": PASSWORD})
    assert secret.status_code == 200, secret.text
    token = httpx.post(
        f"{moorage.url}/api/v2.0/users/current/tokens",
        json={"name": "of the fixture", "scopes": ["pull"]},
        auth=("dora", PASSWORD),
        timeout=60,
    )
    assert token.status_code == 201, token.text
    return {name: value for name, value in kept.items() if name != "registry_url"}


def pack(data: Path, into: Path, more: dict[str, bytes]) -> None:
    """Write a data folder, without what belongs to one run, as an archive without owners and times."""
    with tarfile.open(into, "w:xz") as archive:
        files = {str(file.relative_to(data)): file.read_bytes() for file in sorted(data.rglob("*")) if file.is_file()}
        for name, content in {**files, **more}.items():
            if name.split("/")[0] in LEFT_OUT:
                continue
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o600
            archive.addfile(entry, io.BytesIO(content))


def make(data: Path, *, database_url: str = "") -> dict[str, str]:
    """Fill a server of its own and stop it."""
    moorage = Moorage(data, database_url=database_url, workers=1)
    moorage.admin = ADMIN
    moorage.start()
    try:
        return fill(moorage)
    finally:
        moorage.stop()


def main() -> int:
    """Make both archives and say how large they are."""
    target = FOLDER / HEAD
    target.mkdir(exist_ok=True)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        kept = make(scratch / "sqlite")
        with closing(sqlite3.connect(scratch / "sqlite" / "moorage.db")) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            db.execute("PRAGMA journal_mode=DELETE")
            db.execute("VACUUM")
        pack(scratch / "sqlite", target / "sqlite.tar.xz", {"made.json": json.dumps(kept, indent=1).encode()})

        postgres = Postgres()
        postgres.folder = make_folder("upgrade")
        postgres.start()
        stack.callback(postgres.stop)
        url = postgres.url(postgres.create())
        kept = make(scratch / "postgresql", database_url=url)
        program = postgres._program("pg_dump")
        plain = url.replace("postgresql+psycopg", "postgresql")
        words = [str(program), "--no-owner", "--no-privileges", "--inserts", plain]
        dump = subprocess.run(words, check=True, stdout=subprocess.PIPE, env={**os.environ, "TZ": "UTC"}).stdout
        lines = [line for line in dump.splitlines() if not line.startswith((b"\\restrict", b"\\unrestrict"))]
        more = {"dump.sql": b"\n".join(lines) + b"\n", "made.json": json.dumps(kept, indent=1).encode()}
        pack(scratch / "postgresql", target / "postgresql.tar.xz", more)
    for file in sorted(target.iterdir()):
        sys.stdout.write(f"{file.relative_to(FOLDER)}: {file.stat().st_size:,} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
