"""Rows of lists of the REST API, on the data set of `catalogue.py`: ten rows a page, first, middle and last page.

Requests are signed in by Basic credentials, of somebody who is a member of half of the projects and of an
administrator. All Moorages have one worker.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count as count_up
from pathlib import Path

from moorage.db.migrate import migrate
from tests.bench import catalogue, store
from tests.bench.catalogue import Size
from tests.bench.load import Requests, Target, Wrong, ask, run, write_requests
from tests.bench.report import Row, Side
from tests.bench.servers import Servers
from tests.parts.base import Missing
from tests.serving import Account, Moorage
from tools.build_go_tools import cache

CONNECTIONS = 16
SECONDS = 2
LITE, POSTGRES = "SQLite", "PostgreSQL"
PAGE = 10
MIDDLE_MS = 50
TENTH = "a tenth"


@dataclass(frozen=True)
class Asked:
    """A list that is measured.

    Attributes:
        path: below `/api/v2.0`.
        wanted: requests per second with one worker on SQLite; PostgreSQL has to reach two thirds of it.
    """

    name: str
    work: str
    path: str
    wanted: int


_FIRST = catalogue.project_name(0)
LISTS = (
    Asked("api-projects", "list projects", "/projects?page_size=10", 1500),
    Asked("api-repositories", "list repositories of all projects", "/repositories?page_size=10", 1000),
    Asked(
        "api-artifacts", "list artifacts with tags and labels",
        f"/projects/{_FIRST}/repositories/{catalogue.BIG}/artifacts?page_size=10&with_tag=true&with_label=true", 500,
    ),
    Asked("api-audit", "list the audit log", "/auditlog-exts?page_size=10", 500),
    Asked("api-search", "search projects and repositories", "/search?q=web-0123", 300),
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A Moorage with the data set, and who asks it."""

    label: str
    moorage: Moorage

    def target(self, *, admin: bool) -> Target:
        """It, with the credentials of one of them."""
        account = self.moorage.admin if admin else Account(store.USERNAME, store.PASSWORD)
        who = "admin" if admin else "member"
        return Target(f"{self.label}, {who}", self.moorage.host, (account.username, account.password), self.moorage.pid)


def measure(asked: Asked) -> Callable[[Servers, int], Row]:
    """What measures one list."""

    def measure_list(servers: Servers, rounds: int) -> Row:
        row = Row(
            asked.name,
            asked.work,
            "req/s",
            f"GET /api/v2.0{asked.path}, {CONNECTIONS} connections, Basic; {_size(servers)}",
        )
        sides: list[Side] = []
        for place in _places(servers):
            member = place.target(admin=False)
            for page, number in _pages(member, asked.path).items():
                sides.append(_side(servers, member, asked, page, number))
            sides.append(_side(servers, place.target(admin=True), asked, "first", 1))
        for side in sides:
            side.measure()  # does not count: caches, connections, compiled statements
        row.alternate(sides, rounds)
        for kind, share in ((LITE, 1.0), (POSTGRES, 2 / 3)):
            first = f"{kind}, member, first page"
            row.limit(f"{asked.wanted * share:,.0f} req/s on {kind}, first page", first, asked.wanted * share)
            row.ask(f"{kind}: the last page against the first", f"{kind}, member, last page", first, 0.5)
            row.ask(f"{kind}: the first page against the last", first, f"{kind}, member, last page", 0.5)
        return row

    return measure_list


def measure_middle(servers: Servers, rounds: int) -> Iterator[Row]:
    """How long one request for the middle of the audit log takes, with nobody else asking."""
    row = Row(
        "api-middle", "the middle page of the audit log, alone", "ms", f"one connection, median; {_size(servers)}"
    )
    sides = []
    for place in _places(servers):
        for admin in (True, False):
            target = place.target(admin=admin)
            for sort in ("", "&sort=-id"):
                path = f"/auditlog-exts?page_size=10{sort}"
                page = _pages(target, path)["middle"]
                made = _write(servers, target, f"{path}&page={page}", 1)
                label = f"{target.label}, by {'id' if sort else 'time'}"
                sides.append(Side(label, made.command(SECONDS), partial(_latency, made), target.pid))
    for side in sides:
        side.measure()
    row.alternate(sides, rounds)
    for side in sides:
        row.limit(f"{MIDDLE_MS} ms: {side.label}", side.label, MIDDLE_MS)
    yield row


def measure_growth(servers: Servers, rounds: int) -> Iterator[Row]:
    """The same lists on a tenth of the data and on all of it, as a member: first, middle and last page."""
    small = [Place(f"{LITE}, {TENTH}", _on_sqlite(servers, 10)), *_more_postgres(servers)]
    try:
        for asked in LISTS:
            name = asked.name.replace("api-", "api-growth-")
            row = Row(name, f"{asked.work} as the data grows", "req/s", f"{_size(servers, 10)}; {_size(servers)}")
            sides: list[Side] = []
            compared: list[tuple[str, str, str]] = []
            for tenth, whole in zip(small, _places(servers), strict=True):
                one, other = tenth.target(admin=False), whole.target(admin=False)
                pages = _pages(one, asked.path)
                for page, number in _pages(other, asked.path).items():
                    sides.append(_side(servers, one, asked, page, pages.get(page, 1)))
                    sides.append(_side(servers, other, asked, page, number))
                    compared.append((f"{whole.label}, {page} page", sides[-2].label, sides[-1].label))
            for side in sides:
                side.measure()
            row.alternate(sides, min(rounds, 2))
            for text, before, after in compared:
                then, now = row.median(before), row.median(after)
                if then and now:
                    row.notes.append(f"{text}: with ten times the data {now / then:.2f} of the requests")
            yield row
    finally:
        for place in small:
            place.moorage.kill()


# -- the servers ------------------------------------------------------------------------------------------

_started: dict[Path, list[Place]] = {}


def _places(servers: Servers) -> list[Place]:
    """Moorage on SQLite, and on PostgreSQL where there is one; started once for all rows, ended with the others."""
    if servers.folder not in _started:
        found = [Place(LITE, _on_sqlite(servers, 1))]
        _started[servers.folder] = found
        servers.end_with(found[0].moorage)
        try:
            found.append(Place(POSTGRES, _on_postgres(servers)))
            servers.end_with(found[1].moorage)
        except Missing as exc:
            servers.missing[POSTGRES] = str(exc)
    return _started[servers.folder]


def _size(servers: Servers, share: int = 1) -> Size:
    """How much there is: all of it, or `1 / share`; less of both where the run asked for a smaller store."""
    return Size().part(share * max(1, Size().artifacts // servers.shape.artifacts))


def _more_postgres(servers: Servers) -> list[Place]:
    """A tenth of the data on PostgreSQL, where there is one."""
    if len(_places(servers)) == 1:
        return []
    return [Place(f"{POSTGRES}, {TENTH}", _on_postgres(servers, 10))]


def _on_sqlite(servers: Servers, share: int) -> Moorage:
    """The database is kept between runs, by what its tables and rows are made from."""
    moorage = Moorage(servers.folder / f"lists-{share}", workers=1)
    moorage.start()
    moorage.stop()
    size = _size(servers, share)
    kept = cache() / "bench" / f"catalogue-{catalogue.recipe()}-{size.artifacts}"
    file = moorage.data / "moorage.db"
    if not kept.with_suffix(".db").exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        catalogue.fill(f"sqlite:///{file}", size)
        kept.with_suffix(".json").write_text(json.dumps(moorage.admin.password))
        shutil.copytree(moorage.data, kept, dirs_exist_ok=True, ignore=shutil.ignore_patterns("run", "moorage.db*"))
        shutil.copyfile(file, kept.with_suffix(".db"))
    else:
        shutil.copytree(kept, moorage.data, dirs_exist_ok=True)
        shutil.copyfile(kept.with_suffix(".db"), file)
        for left in ("-wal", "-shm"):
            file.with_name(file.name + left).unlink(missing_ok=True)
        moorage.admin = Account(moorage.admin.username, json.loads(kept.with_suffix(".json").read_text()))
    moorage.start()
    return moorage


def _on_postgres(servers: Servers, share: int = 1) -> Moorage:
    url = servers.postgres_url()
    moorage = Moorage(servers.folder / f"lists-postgres-{share}", workers=1, database_url=url)
    migrate(url)
    moorage.start()
    moorage.stop()
    catalogue.fill(url, _size(servers, share))
    moorage.start()
    return moorage


# -- requests ---------------------------------------------------------------------------------------------


def _pages(target: Target, path: str) -> dict[str, int]:
    """The numbers of the first, the middle and the last page; a list without pages has the first one only."""
    status, headers, body = ask(target.host, "GET", f"/api/v2.0{path}", {"Authorization": target.basic})
    if status != 200:
        raise Wrong(f"{target.label}: {path}: {status} {body[:200]!r}")
    pages = -(-int(headers.get("x-total-count", "0")) // PAGE)
    return {"first": 1, "middle": (pages + 1) // 2, "last": pages} if pages > 1 else {"first": 1}


def _side(servers: Servers, target: Target, asked: Asked, page: str, number: int) -> Side:
    paged = f"{asked.path}&page={number}" if number > 1 else asked.path
    made = _write(servers, target, paged, CONNECTIONS)
    seeds = count_up(1)
    label = f"{target.label}, {page} page"
    return Side(label, made.command(SECONDS), lambda: made.rate(SECONDS, next(seeds)), target.pid)


def _write(servers: Servers, target: Target, path: str, connections: int) -> Requests:
    safe = "".join(letter if letter.isalnum() else "-" for letter in f"{target.label}{path}{connections}")
    given = [(f"/api/v2.0{path}", target.basic)]
    return write_requests(target, servers.folder / f"{safe}.txt", given, connections=connections)


def _latency(made: Requests) -> float:
    """The median of one request after the other, in ms."""
    found = json.loads(run(made.command(SECONDS)).strip().splitlines()[-1])
    if found["bad"] or found["broken"] or not found["requests"]:
        raise Wrong(f"{made.target.label}: {found['bad']} answers were no success, {found['broken']} broke off")
    return float(found["p50"]) / 1000
