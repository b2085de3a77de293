"""The REST API is asked by chance, within what its own document allows and beside it, by three kinds of callers.

No answer may be 500 or above, but for the 501 of what is not built; each status, media type, header and body has to
be declared. The seed is printed, and is that of the test run where it has one.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from moorage.api.routes import BUILT
from moorage.api.unimplemented import unbuilt
from tests.api.document import document
from tests.rest.conftest import Caller
from tests.serving import ROOT, Account, Moorage

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance"
)
CALLERS = ("administrator", "project_administrator", "anonymous")
EXAMPLES, DEEP_EXAMPLES = 3, 40
"""Requests that chance makes up for each operation, for each kind of caller and database. No clock ends a run, so
that a slow machine leaves none of them out."""

LEAST = 2
"""Requests that each operation with anything to choose has to have seen: chance may say the same twice."""

NOBODY = "anonymous"
"""Asks once on PostgreSQL in a short run: it is refused before the database matters, and SQLite is asked more often."""

HANGS_SECONDS = 1500


def _fill(admin: Caller, moorage: Moorage) -> tuple[dict[str, Account | None], dict[str, Any]]:
    """People, and things with names and ids for the paths."""
    chance, owner = moorage.create_user("chance"), moorage.create_user("owner")
    users = {one["username"]: one["user_id"] for one in admin.send("GET", "/users").json()}
    assert admin.send("PUT", f"/users/{users['chance']}/sysadmin", {"sysadmin_flag": True}).status_code == 200
    path: dict[str, list[Any]] = {"tag_name": ["v1"], "reference": ["v1"], "repository_name": ["app"]}
    path["meta_name"] = ["public", "severity", "auto_scan"]
    spare: dict[str, list[Any]] = {}
    for number in range(6):
        name = f"place{number}"
        project = admin.make("/projects", {"project_name": name, "metadata": {"public": "false"}})
        admin.make(f"/projects/{name}/members", {"role_id": 1, "member_user": {"username": owner.username}})
        person = {"username": name, "password": "Passw0rd-" + name, "email": f"{name}@example.org", "realname": name}
        user = admin.make("/users", person)
        robot = admin.make("/robots", _robot(name))
        kinds = path if number < 3 else spare
        for key, value in {
            "project_name": name,
            "project_name_or_id": name,
            "user_id": user,
            "robot_id": robot,
        }.items():
            kinds.setdefault(key, []).append(value)
        kinds.setdefault("project_name_or_id", []).append(project)
    own = {"user_id": users["chance"]}
    return {"administrator": chance, "project_administrator": owner, "anonymous": None}, {
        "path": path, "spare": spare, "own": own,
    }  # fmt: skip


def _robot(project: str) -> dict[str, Any]:
    access = [{"resource": "repository", "action": "pull"}]
    permission = {"kind": "project", "namespace": project, "access": access}
    return {"name": "r", "level": "project", "duration": -1, "permissions": [permission]}


class Place(NamedTuple):
    """Who asks, and what is there.

    Attributes:
        values: what `chance.py` gets as `PLACES`.
        bounds: each value is tried at its bounds, too: once in a short run.
        once: who asks each operation only once.
    """

    accounts: dict[str, Account | None]
    values: dict[str, Any]
    bounds: frozenset[str]
    once: frozenset[str]


@pytest.fixture(scope="module")
def place(admin: Caller, moorage: Moorage, database: str, request: pytest.FixtureRequest) -> Place:
    """The server, filled."""
    accounts, values = _fill(admin, moorage)
    deep = bool(request.config.getoption("--deep"))
    bounds = CALLERS if deep else () if database else CALLERS[:1]
    return Place(accounts, values, frozenset(bounds), frozenset({NOBODY} if database and not deep else ()))


def _has_choice(described: dict[str, Any]) -> bool:
    """Whether two requests of an operation can differ."""
    return bool(described.get("parameters") or described.get("requestBody"))


@pytest.mark.parametrize("caller", CALLERS)
def test_nothing_that_is_asked_by_chance_is_answered_otherwise_than_the_document_says(
    caller: str,
    place: Place,
    moorage: Moorage,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    deep = bool(request.config.getoption("--deep"))
    once = caller in place.once
    account = place.accounts[caller]
    seed = request.config.getoption("randomly_seed", 1)
    seed = int("".join(one for one in str(seed) if one.isdigit()) or 1)
    phases = "examples,coverage,fuzzing" if caller in place.bounds else "fuzzing"
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{moorage.url}/api/v2.0/openapi.json", "--url", moorage.url,
        "--checks", CHECKS, "--seed", str(seed), "--generation-database", "none", "--no-shrink", "--no-color",
        "--warnings", "off", "--continue-on-failure", "--phases", phases,
        "--request-timeout", "120",
        "--max-examples", str(DEEP_EXAMPLES if deep else 1 if once else EXAMPLES),
    ]  # fmt: skip
    later = {one.id for one in unbuilt(BUILT)}
    for one in sorted(later):
        command += ["--exclude-operation-id", one]
    if account is not None:
        command += ["--auth", f"{account.username}:{account.password}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.rest.chance"}
    environment |= {"PLACES": json.dumps(place.values), "TALLY": str(tmp_path / "tally")}
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=HANGS_SECONDS
    )

    assert done.returncode == 0, f"seed {seed}\n{done.stdout[-20_000:]}{done.stderr[-3_000:]}"
    seen = Counter((tmp_path / "tally").read_text(encoding="utf-8").splitlines())
    told = f"schemathesis as {caller}, seed {seed}: {seen.total()} requests to {len(seen)} operations"
    request.config.get_terminal_writer().line(f"\n{told}, at least {min(seen.values())} to each")
    expected = {
        f"{method.upper()} {path}": LEAST if _has_choice(described) and not once else 1
        for path, item in document()["paths"].items()
        for method, described in item.items()
        if isinstance(described, dict) and described.get("operationId") not in later
    }
    assert len(expected) == len(BUILT)
    assert {name: seen[name] for name, least in expected.items() if seen[name] < least} == {}, f"seed {seed}"
    if account is not None:
        caller_is_there = Caller(moorage, account).send("GET", "/users/current")
        assert caller_is_there.status_code == 200, "the run locked itself out; what came later proves nothing"
    moorage.check_log()
