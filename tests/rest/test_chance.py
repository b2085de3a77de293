"""The REST API is asked by chance, within what its own document allows and beside it, by three kinds of callers.

No answer may be 500 or above, but for the 501 of what is not built; each status, media type, header and body has to
be declared. The seed is printed, and is that of the test run where it has one.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from moorage.api.contract import OPERATIONS
from moorage.api.routes import BUILT
from moorage.api.unbuilt import unbuilt
from tests.rest.conftest import Caller
from tests.serving import ROOT, Account, Moorage

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance"
)
CALLERS = ("administrator", "project_administrator", "anonymous")
ENOUGH = 100
"""Requests that a run has to have made at least, on a busy machine too; hardly any: it found no server."""

SECONDS, DEEP_SECONDS = 8, 450
"""How long a run asks, for each kind of caller and database."""


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


@pytest.fixture(scope="module")
def place(admin: Caller, moorage: Moorage) -> tuple[dict[str, Account | None], dict[str, Any]]:
    """Who asks, and what is there."""
    return _fill(admin, moorage)


@pytest.mark.parametrize("caller", CALLERS)
def test_nothing_that_is_asked_by_chance_is_answered_otherwise_than_the_document_says(
    caller: str,
    place: tuple[dict[str, Account | None], dict[str, Any]],
    moorage: Moorage,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    deep = bool(request.config.getoption("--deep"))
    accounts, places = place
    account = accounts[caller]
    seed = request.config.getoption("randomly_seed", 1)
    seed = seed if isinstance(seed, int) else int(str(seed).strip("last ") or 1)
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{moorage.url}/api/v2.0/openapi.json", "--url", moorage.url,
        "--checks", CHECKS, "--seed", str(seed), "--generation-database", "none", "--no-shrink", "--no-color",
        "--warnings", "off", "--continue-on-failure", "--phases", "examples,coverage,fuzzing",
        "--max-examples", str(200 if deep else 3), "--max-time", str(DEEP_SECONDS if deep else SECONDS),
    ]  # fmt: skip
    for one in unbuilt(BUILT):
        command += ["--exclude-operation-id", one.id]
    if account is not None:
        command += ["--auth", f"{account.username}:{account.password}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.rest.chance"}
    environment |= {"PLACES": json.dumps(places)}
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)

    made = re.search(r"(\d+) generated", done.stdout)
    assert done.returncode == 0, f"seed {seed}\n{done.stdout[-20_000:]}{done.stderr[-3_000:]}"
    assert made is not None, done.stdout
    request.config.get_terminal_writer().line(f"\nschemathesis as {caller}, seed {seed}: {made[0]}")
    assert int(made[1]) > ENOUGH
    tested = re.search(r"Tested: (\d+)", done.stdout)
    assert tested is not None
    assert int(tested[1]) >= len(OPERATIONS) - len(unbuilt(BUILT)), "an operation was not asked"
    if account is not None:
        caller_is_there = Caller(moorage, account).send("GET", "/users/current")
        assert caller_is_there.status_code == 200, "the run locked itself out; what came later proves nothing"
    moorage.check_log()
