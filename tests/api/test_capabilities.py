"""What the server says that it can do, and what is wrong with it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from moorage.access.policy import Role
from moorage.api.contract import OPERATIONS as CONTRACT
from moorage.api.routes import BUILT, built_operations, every_route
from moorage.audit.tables import AuditExport
from moorage.gc.tables import GcState
from moorage.jobs.scheduler import SCHEDULER, pause
from moorage.jobs.tables import Execution, Schedule, Task, Worker
from moorage.registries.tables import Registry
from moorage.settings import Secret
from moorage.system.capabilities import OPERATIONS, Built, list_capabilities
from tests.api.client import Client, Server
from tests.api.conftest import Serve, administrator, make_project, make_robot, make_user
from tests.api.test_projects_api import call
from tests.commands import make_certificate

CANARY = "canary-51f2"


async def found(server: Server) -> dict[str, dict[str, Any]]:
    """What is not in order, by code; but for what is so wherever tests run."""
    answer = await call(administrator(server), server, "GET", "/health/findings")
    assert answer.status == 200, answer
    shown = answer.json()
    states = [one["state"] for one in shown["findings"]]
    assert states == sorted(states, key=["error", "warning", "ok"].index)
    assert shown["state"] == states[0]
    for one in shown["findings"]:
        assert bool(one["code"]) == bool(one["mend"]) == (one["state"] != "ok"), one
    assert CANARY not in answer.body.decode()
    here = {"RUNS_AS_ROOT", "FEW_OPEN_FILES", "DISK_NEARLY_FULL", "ADMIN_PASSWORD_FILE"}
    return {one["code"]: one for one in shown["findings"] if one["code"] and one["code"] not in here}


# -- capabilities -----------------------------------------------------------------------------------------


def test_each_capability_stands_for_an_operation_and_follows_it() -> None:
    known = {str(handler.operation_id) for handler in every_route()}
    assert set(OPERATIONS.values()) <= known
    built = built_operations()
    assert built.ids == {str(handler.operation_id) for handler in BUILT}
    shown = list_capabilities(built)
    assert shown["trash"]
    assert shown["immutability"]
    for name, operation in OPERATIONS.items():
        assert shown[name] == (operation in built.ids)
    nothing = list_capabilities(Built(frozenset()))
    assert not any(nothing[name] for name in OPERATIONS)


async def test_what_is_said_to_be_there_does_not_answer_501(app: Server, admin: Client) -> None:
    shown = (await call(None, app, "GET", "/capabilities")).json()["capabilities"]
    paths = {one.id: one for one in CONTRACT}
    for name, operation in OPERATIONS.items():
        one = paths.get(operation)
        if one is not None and "{" not in one.path and one.method == "POST":
            answer = await call(admin, app, one.method, one.path, [])
            assert (answer.status == 501) == (not shown[name]), (name, answer)


async def test_everybody_may_ask_and_hears_of_the_live_settings(serve: Serve) -> None:
    server = await serve()
    first = (await call(None, server, "GET", "/capabilities")).json()
    assert (first["sign_in"], first["read_only"]) == (["local"], False)

    changed = {"auth_sources": ["oidc", "local"], "read_only": True}
    assert (await call(administrator(server), server, "PUT", "/configurations", changed)).status == 200

    after = (await call(None, server, "GET", "/capabilities")).json()
    assert (after["sign_in"], after["read_only"]) == (["oidc", "local"], True)


# -- findings ---------------------------------------------------------------------------------------------


async def test_only_administrators_see_what_is_wrong(app: Server) -> None:
    project = await make_project(app)
    user = await make_user(app, {project: Role.PROJECT_ADMIN})
    robot = await make_robot(app, project, "pull")

    for client, status in ((None, 401), (user, 403), (robot, 403), (administrator(app), 200)):
        assert (await call(client, app, "GET", "/health/findings")).status == status


async def test_a_server_in_order_has_nothing_to_mend(serve: Serve) -> None:
    server = await serve()
    server.settings.data_folder.chmod(0o700)

    assert await found(server) == {}
    answer = (await call(administrator(server), server, "GET", "/health/findings")).json()
    areas = {one["area"] for one in answer["findings"] if one["state"] == "ok"}
    assert {"database", "storage", "permissions"} <= areas
    assert answer["host"]


async def test_each_thing_that_is_wrong_is_named_with_its_mend(serve: Serve, tmp_path: Path) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text("no certificate")
    server = await serve(
        trusted_proxies=("0.0.0.0/0",), listen="192.0.2.1:8080", tls_cert="", admin_password=Secret(CANARY)
    )
    folder = server.settings.data_folder
    folder.chmod(0o755)
    now = datetime.now(UTC)

    def spoil(work: Any) -> None:
        work.db.execute(insert(GcState).values(id=1, seen_at=now, held_until=now + timedelta(hours=3)))
        work.db.execute(
            insert(AuditExport).values(
                endpoint="logs.test:6514", upto=0, missing=[], failing_since=now, error="no route to host"
            )
        )

    await server.run(spoil)
    settings = {"auth_sources": ["local", "ldap", "oidc"], "read_only": True, "ldap_search_password": CANARY}
    changed = await call(administrator(server), server, "PUT", "/configurations", settings)
    assert changed.status == 200, changed

    shown = await found(server)

    expected = {
        "PROXIES_UNLIMITED": ("warning", "trusted_proxies", "proxies only"),
        "HTTP_IN_THE_CLEAR": ("warning", "192.0.2.1:8080", "tls_cert"),
        "FOLDER_OPEN": ("warning", str(folder), f"chmod 700 {folder}"),
        "CLOCK_JUMPED": ("warning", "nothing is collected", "time service"),
        "AUDIT_NOT_SENT": ("error", "no route to host", "receiver"),
        "SOURCE_INCOMPLETE": ("error", "is not set", "auth_sources"),
        "READ_ONLY": ("warning", "read-only", "read_only"),
    }
    assert shown.keys() == expected.keys()
    for code, (state, text, mend) in expected.items():
        assert shown[code]["state"] == state
        assert text in shown[code]["text"]
        assert mend in shown[code]["mend"]


async def test_work_that_nobody_takes_up_and_registries_that_do_not_answer_are_named(serve: Serve) -> None:
    server = await serve()
    now = datetime.now(UTC)
    old = now - timedelta(hours=1)

    def spoil(work: Any) -> None:
        times = {"started_at": old, "updated_at": old}
        made = work.db.execute(
            insert(Execution).values(vendor_type="RETENTION", status="Running", trigger="MANUAL", **times)
        )
        task = {"execution_id": made.inserted_primary_key[0], "vendor_type": "RETENTION", "job": "x"}
        work.db.execute(insert(Task).values(**task, status="Pending", created_at=old, updated_at=old))
        kind = {"vendor_type": "RETENTION", "vendor_id": 7, "kind": "Custom", "cron": "0 0 * * * *", "job": "x"}
        work.db.execute(insert(Schedule).values(**kind, next_at=old, created_at=old, updated_at=old))
        values = {"name": "hub", "kind": "docker-hub", "url": "https://hub.test", "created_at": old, "updated_at": old}
        work.db.execute(insert(Registry).values(**values, status="unhealthy", status_reason="no route to host"))

    await server.run(spoil)
    shown = await found(server)
    assert shown.keys() == {"TASKS_WAIT", "SCHEDULES_LATE", "REGISTRY_UNHEALTHY"}
    assert "1 tasks of RETENTION" in shown["TASKS_WAIT"]["text"]
    assert "no route to host" in shown["REGISTRY_UNHEALTHY"]["text"]


async def test_what_is_paused_or_has_a_worker_may_wait(serve: Serve) -> None:
    for paused in (True, False):
        server = await serve()
        now = datetime.now(UTC)
        old = now - timedelta(hours=1)

        def wait(work: Any, *, paused: bool, now: datetime, old: datetime) -> None:
            kind = {"vendor_type": "GARBAGE_COLLECTION", "kind": "Daily", "cron": "0 0 0 * * *", "job": "x"}
            work.db.execute(insert(Schedule).values(**kind, next_at=old, created_at=old, updated_at=old))
            if paused:
                pause(work, SCHEDULER)
            else:
                beat = {"host": "here", "pid": 1, "slots": 1, "started_at": old, "heartbeat_at": now}
                work.db.execute(insert(Worker).values(id="one", **beat))

        await server.run(wait, paused=paused, now=now, old=old)
        assert await found(server) == {}


async def test_a_storage_that_is_gone_is_named(serve: Serve) -> None:
    server = await serve()
    folder = server.settings.storage_folder
    folder.rename(folder.with_name("elsewhere"))
    folder.write_text("a file where a folder was")

    shown = await found(server)

    assert shown["STORAGE_UNREACHABLE"]["where"] == str(folder)
    assert shown["FOLDER_NOT_WRITABLE"]["state"] == "error"


@pytest.mark.parametrize("days", [-1, 5])
async def test_a_certificate_that_ends_is_named(serve: Serve, tmp_path: Path, days: int) -> None:
    tls = make_certificate(tmp_path / "tls", days=days)
    server = await serve(tls_cert=str(tls.chain), tls_key=str(tls.key), external_url="https://other.test")

    shown = await found(server)

    assert {"CERTIFICATE_ENDED" if days < 0 else "CERTIFICATE_ENDS_SOON", "CERTIFICATE_OTHER_NAME"} <= shown.keys()


async def test_it_is_looked_at_once_in_ten_seconds(serve: Serve) -> None:
    server = await serve()
    before = await found(server)
    server.settings.data_folder.chmod(0o755)

    assert await found(server) == before
