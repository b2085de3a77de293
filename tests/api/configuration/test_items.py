"""The live settings in the database: written, fixed, sealed, seen by every process."""

import asyncio
import json
import shutil
import threading
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, update

from moorage.audit.tables import Audit
from moorage.configuration import cached_settings as live_module
from moorage.configuration.cached_settings import Live
from moorage.configuration.schema import Items
from moorage.configuration.service import VARIABLE, describe_items, fix_items, get_items, set_items
from moorage.configuration.tables import Configuration
from moorage.db.engine import Database
from moorage.db.unit_of_work import Work
from moorage.errors import DatabaseUnavailable, ItemFixed, ItemInvalid
from moorage.events import SYSTEM, Actor
from moorage.secret_encryption import SealBroken, Seals, create_seal_key
from moorage.settings import Secret

ADMIN = Actor(principal_id=1, name="admin", credential="password", address="192.0.2.1", request_id="r")
CANARY = "canary-5f1e"

Put = Callable[..., Items]
Fix = Callable[..., None]


@pytest.fixture
def put(database: Database, seals: Seals) -> Put:
    """What a PUT does."""
    return lambda **changes: database.run_here(ADMIN, set_items, seals, changes)


@pytest.fixture
def fix(database: Database, seals: Seals) -> Fix:
    """What a start with `MOORAGE_CONFIG_OVERWRITE` does."""
    return lambda **overwrite: database.run_here(SYSTEM, fix_items, seals, overwrite)


def read(database: Database) -> Items:
    return database.run_here(ADMIN, get_items)


def shown(database: Database) -> dict[str, Any]:
    described: dict[str, Any] = database.run_here(ADMIN, describe_items)
    return described


def row(database: Database) -> Any:
    columns = select(Configuration.version, Configuration.items, Configuration.fixed)
    return database.run_here(SYSTEM, lambda work: tuple(work.db.execute(columns).one()))


def audited(database: Database) -> list[Any]:
    columns = (Audit.operation, Audit.resource_type, Audit.principal_name, Audit.detail)
    statement = select(*columns).order_by(Audit.id)
    return database.run_here(SYSTEM, lambda work: [tuple(row) for row in work.db.execute(statement)])


# -- written ----------------------------------------------------------------------------------------------


async def test_without_a_row_everything_has_its_default(database: Database) -> None:
    assert read(database) == Items()


async def test_what_was_set_is_read_and_the_row_keeps_only_what_differs(database: Database, put: Put) -> None:
    put(read_only=True, session_timeout=5, ldap_uid="uid")
    put(session_timeout=60, oidc_extra_redirect_parms='{"prompt":"login"}', token_expiration=30)

    items = read(database)
    assert (items.read_only, items.session_timeout, items.ldap_uid) == (True, 60, "uid")
    assert row(database) == (
        2, {"read_only": True, "ldap_uid": "uid", "oidc_extra_redirect_parms": {"prompt": "login"}}, {},
    )  # fmt: skip


async def test_a_refused_change_changes_nothing(database: Database, put: Put) -> None:
    put(read_only=True)

    with pytest.raises(ItemInvalid):
        put(self_registration=True, session_timeout=0)

    assert row(database)[:2] == (1, {"read_only": True})
    assert len(audited(database)) == 1


async def test_what_changes_nothing_leaves_no_trace(database: Database, put: Put) -> None:
    put(read_only=True, ldap_search_password=CANARY)

    put(read_only=True, ldap_search_password=CANARY, session_timeout=60, unknown=1)

    assert row(database)[0] == 1
    assert len(audited(database)) == 1


async def test_a_change_is_audited_with_new_values_and_never_a_secret(database: Database, put: Put) -> None:
    put(ldap_search_password=CANARY, oidc_client_secret=CANARY, uaa_client_secret=CANARY, ldap_url="ldap://x")

    assert audited(database) == [
        ("update", "configuration", "admin", {
            "changes": {"ldap_url": "ldap://x"},
            "secrets": ["ldap_search_password", "oidc_client_secret", "uaa_client_secret"],
        }),
    ]  # fmt: skip


async def test_of_two_who_write_at_once_none_is_lost(database: Database, put: Put) -> None:
    changes: list[dict[str, Any]] = [{"session_timeout": 7}, {"token_expiration": 8}, {"ldap_timeout": 9}]
    threads = [threading.Thread(target=lambda one=one: put(**one)) for one in changes]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    items = read(database)
    assert (items.session_timeout, items.token_expiration, items.ldap_timeout) == (7, 8, 9)
    assert row(database)[0] == 3


async def test_a_stored_value_that_is_good_no_more_gives_way_to_the_default(
    database: Database, put: Put, caplog: pytest.LogCaptureFixture
) -> None:
    put(read_only=True)
    spoilt = {"read_only": True, "session_timeout": -3, "an_item_of_the_past": 1}
    database.run_here(SYSTEM, lambda work: work.db.execute(update(Configuration).values(items=spoilt)))

    assert read(database) == Items(read_only=True)
    assert "session_timeout" in caplog.text


# -- secrets ----------------------------------------------------------------------------------------------


async def test_secrets_are_sealed_for_their_own_name(database: Database, put: Put, seals: Seals) -> None:
    items = put(ldap_search_password=CANARY, oidc_client_secret="other")

    stored = row(database)[1]
    assert items.ldap_search_password.reveal() == CANARY
    assert CANARY not in json.dumps(stored)
    assert CANARY.encode() not in b64decode(stored["ldap_search_password"])
    assert read(database).ldap_search_password == Secret()  # a transaction has no keys and needs none
    assert (await Live(database, seals).items()).ldap_search_password.reveal() == CANARY


async def test_a_secret_moved_to_another_name_does_not_open(database: Database, put: Put, seals: Seals) -> None:
    put(ldap_search_password=CANARY)
    moved = {"oidc_client_secret": row(database)[1]["ldap_search_password"]}
    database.run_here(SYSTEM, lambda work: work.db.execute(update(Configuration).values(items=moved)))

    with pytest.raises(SealBroken):
        await Live(database, seals).start({})


async def test_a_start_without_the_key_is_refused(database: Database, put: Put, tmp_path: Path) -> None:
    put(ldap_search_password=CANARY)
    create_seal_key(tmp_path / "another")

    with pytest.raises(SealBroken):
        await Live(database, Seals(tmp_path / "another")).start({})


async def test_a_start_seals_anew_what_an_older_key_sealed(
    database: Database, put: Put, seals: Seals, tmp_path: Path
) -> None:
    put(ldap_search_password=CANARY, read_only=True)
    both = shutil.copytree(tmp_path / "seal", tmp_path / "both")
    for file in both.iterdir():
        file.chmod(0o600)
    create_seal_key(both)
    newer = Seals(both)
    assert newer.key_id != seals.key_id

    await Live(database, newer).start({})

    assert newer.is_current(b64decode(row(database)[1]["ldap_search_password"]))
    assert (await Live(database, newer).items()).ldap_search_password.reveal() == CANARY
    assert len(audited(database)) == 1  # nothing was changed


# -- fixed ------------------------------------------------------------------------------------------------


async def test_a_fixed_item_has_its_value_and_cannot_be_put(database: Database, put: Put, fix: Fix) -> None:
    put(session_timeout=7)
    fix(session_timeout=9, ldap_search_password=CANARY)

    assert read(database).session_timeout == 9
    with pytest.raises(ItemFixed, match=VARIABLE) as caught:
        put(session_timeout=10, self_registration=True, unknown=1)
    assert caught.value.detail == {"items": ["session_timeout"], "variable": VARIABLE}
    assert caught.value.status == 403
    assert put(self_registration=True, session_timeout=None).self_registration
    assert CANARY not in json.dumps(row(database))


async def test_without_the_variable_what_was_set_before_comes_back(database: Database, put: Put, fix: Fix) -> None:
    put(session_timeout=7, ldap_search_password="mine")
    fix(session_timeout=9, ldap_search_password="theirs")

    fix()

    assert read(database).session_timeout == 7
    assert put(session_timeout=8).ldap_search_password.reveal() == "mine"


async def test_every_process_may_fix_the_same(database: Database, fix: Fix) -> None:
    fix(read_only=True, oidc_client_secret=CANARY)
    before = row(database)

    fix(read_only=True, oidc_client_secret=CANARY)

    assert row(database) == before
    assert [detail for *_, detail in audited(database)] == [
        {"changes": {"read_only": True}, "secrets": ["oidc_client_secret"]}
    ]


async def test_a_fixed_mode_fixes_the_sources(database: Database, put: Put, fix: Fix) -> None:
    fix(auth_mode="ldap_auth")

    assert read(database).auth_sources == ("ldap", "local")
    for change in ({"auth_mode": "db_auth"}, {"auth_sources": ["local"]}):
        with pytest.raises(ItemFixed):
            put(**change)
    assert shown(database)["auth_mode"] == {"value": "ldap_auth", "editable": False, "variable": VARIABLE}


async def test_what_cannot_be_fixed_stops_the_start(fix: Fix) -> None:
    with pytest.raises(ItemInvalid, match="readonly"):
        fix(readonly=True)
    with pytest.raises(ItemInvalid, match="session_timeout"):
        fix(session_timeout="long")


# -- shown ------------------------------------------------------------------------------------------------


async def test_all_but_secrets_is_shown(database: Database, put: Put, fix: Fix) -> None:
    put(ldap_search_password=CANARY, oidc_extra_redirect_parms={"a": "b"}, scan_all_policy='{"type":"none"}')
    fix(read_only=True)

    described = shown(database)

    assert CANARY not in json.dumps(described)
    assert described["auth_mode"] == {"value": "db_auth", "editable": True}
    assert described["auth_sources"] == {"value": ("local",), "editable": True}
    assert described["read_only"] == {"value": True, "editable": False, "variable": VARIABLE}
    assert described["oidc_extra_redirect_parms"] == {"value": '{"a": "b"}', "editable": True}
    assert described["scan_all_policy"] == {"type": "none"}
    secrets = {"ldap_search_password", "oidc_client_secret", "uaa_client_secret"}
    assert set(described) == {*Items.__struct_fields__, "auth_mode"} - secrets


async def test_a_policy_that_is_not_set_is_left_out(database: Database) -> None:
    assert "scan_all_policy" not in shown(database)


async def wait_for_read_only(live: Live) -> None:
    for _ in range(1000):
        if live.current.read_only:
            return
        await asyncio.sleep(0.01)
    pytest.fail("the change was never seen")


# -- seen -------------------------------------------------------------------------------------------------


async def test_another_process_sees_a_change_with_its_next_look(database: Database, put: Put, seals: Seals) -> None:
    one, other = Live(database, seals), Live(database, seals)
    for live in (one, other):
        await live.start({})

    await asyncio.to_thread(put, robot_name_prefix="bot_", oidc_client_secret=CANARY)

    assert one.current.robot_name_prefix == "robot$"  # nobody has looked yet
    assert (await other.items()).robot_name_prefix == "bot_"
    assert (await one.items()).oidc_client_secret.reveal() == CANARY
    assert one.current == other.current


async def test_a_look_is_one_statement_until_the_version_moves(database: Database, put: Put, seals: Seals) -> None:
    live = Live(database, seals)
    await live.start({})
    asked: list[Any] = []
    reader = database.read

    class Counting:
        async def one(self, query: Any, *args: object) -> Any:
            asked.append(query)
            return await reader.one(query, *args)

    database.read = Counting()  # type: ignore[assignment]  # only what Live asks
    try:
        for _ in range(3):
            await live.items()
        await asyncio.to_thread(put, read_only=True)
        await live.items()
        await live.items()
    finally:
        database.read = reader

    assert asked == [live_module._VERSION] * 4 + [live_module._ROW, live_module._VERSION]


async def test_what_is_current_follows_by_itself(
    database: Database, put: Put, seals: Seals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "WATCH_SECONDS", 0.01)
    live = Live(database, seals)
    await live.start({})
    watching = asyncio.create_task(live.watch())

    await asyncio.to_thread(put, read_only=True)
    await wait_for_read_only(live)

    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_settings_from_before_hold_while_the_database_is_away(
    database: Database, put: Put, seals: Seals, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(live_module, "WATCH_SECONDS", 0.01)
    run = database.run
    is_away = True

    async def sometimes(actor: Actor, story: Any, *args: Any, **more: Any) -> Any:
        if is_away:
            raise DatabaseUnavailable
        return await run(actor, story, *args, **more)

    monkeypatch.setattr(database, "run", sometimes)
    put(token_expiration=8)
    live = Live(database, seals)
    await live.start({"read_only": True})
    assert live.current == Items()
    watching = asyncio.create_task(live.watch())
    async with asyncio.timeout(30):
        while "those from before hold" not in caplog.text:  # noqa: ASYNC110 - a line of the log
            await asyncio.sleep(0.01)
    is_away = False

    await wait_for_read_only(live)

    assert live.current.token_expiration == 8
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_reading_inside_a_transaction_is_one_statement(database: Database, put: Put) -> None:
    put(read_only=True)
    asked: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        asked.append(statement)

    def story(work: Work) -> Items:
        event.listen(work.db, "before_cursor_execute", note)
        try:
            return get_items(work)
        finally:
            event.remove(work.db, "before_cursor_execute", note)

    assert database.run_here(SYSTEM, story).read_only
    assert len(asked) == 1
