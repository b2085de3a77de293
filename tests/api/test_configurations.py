"""`/configurations`, as clients of the contract see it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from moorage.settings import Secret
from tests.api.client import Answer, Client, Server
from tests.api.conftest import Serve, administrator, make_user
from tests.parts import Parts
from tests.parts.base import free_port
from tests.parts.oidc import Oidc

PATH = "/api/v2.0/configurations"
CONTRACT = json.loads(Path(__file__).with_name("contract").joinpath("harbor-v2.0.json").read_text(encoding="utf-8"))
CANARY = "canary-77c1"


async def put(client: Client, body: Any) -> Answer:
    headers = {**client.basic, "content-type": "application/json"}
    return await client.server.send("PUT", PATH, json.dumps(body).encode(), headers=headers)


async def get(client: Client) -> Any:
    answer = await client.server.send("GET", PATH, headers=client.basic)
    assert answer.status == 200, answer
    return answer.json()


async def test_every_item_of_the_contract_is_answered_in_its_form(serve: Serve) -> None:
    shown = await get(administrator(await serve()))

    kinds = {"String": str, "Bool": bool, "Integer": int}
    for name, described in CONTRACT["definitions"]["ConfigurationsResponse"]["properties"].items():
        if name in {"scan_all_policy", "uaa_client_secret"}:
            assert name not in shown  # not set; a secret
            continue
        kind = described["$ref"].rpartition("/")[2].removesuffix("ConfigItem")
        assert type(shown[name]["value"]) is kinds[kind], name
        assert shown[name]["editable"] is True


async def test_what_is_put_is_got_by_every_worker_at_once(serve: Serve) -> None:
    server = await serve()
    admin = administrator(server)
    other = admin.on(await serve(beside=server))

    answer = await put(admin, {"session_timeout": 7, "self_registration": True, "no_such_item": 1, "ldap_url": None})

    assert (answer.status, answer.body) == (200, b"")
    assert answer.header("warning") == '299 - "ignored, not known here: no_such_item"'
    assert answer.header("warning-codes") == "NAMES_IGNORED"
    for client in (admin, other):
        shown = await get(client)
        assert (shown["session_timeout"]["value"], shown["self_registration"]["value"]) == (7, True)


async def test_names_that_are_no_settings_come_back_only_where_they_look_like_names(serve: Serve) -> None:
    admin = administrator(await serve())
    odd = {'a"\r\nset-cookie: sid=1': 1, "é": 1, "x" * 65: 1, "": 1}
    assert (await put(admin, odd)).header("warning") is None
    assert (await put(admin, {"session_timeout": 60})).header("warning") is None
    many = (await put(admin, {f"no_{number}": 1 for number in range(100)})).header("warning")
    assert many is not None
    assert many.count("no_") == 20


@pytest.mark.parametrize(
    "body", [{"session_timeout": 0}, {"read_only": "yes"}, {"auth_mode": "uaa_auth"}, {"robot_name_prefix": ""}]
)
async def test_a_bad_value_is_400_and_changes_nothing(serve: Serve, body: dict[str, Any]) -> None:
    admin = administrator(await serve())

    answer = await put(admin, {"self_registration": True, **body})

    assert (answer.status, answer.code) == (400, "BAD_REQUEST")
    assert (await get(admin))["self_registration"]["value"] is False


@pytest.mark.parametrize("body", [[], "x", 1, None])
async def test_a_body_that_is_no_object_is_refused(app: Server, admin: Client, body: Any) -> None:
    assert app is admin.server
    assert (await put(admin, body)).status in {400, 422}


async def test_only_administrators_read_and_write(app: Server) -> None:
    user, nobody = await make_user(app), Client(app)

    for client, status in ((user, 403), (nobody, 401)):
        assert (await app.send("GET", PATH, headers=client.basic)).status == status
        assert (await put(client, {"read_only": True})).status == status


async def test_no_secret_leaves_by_answer_audit_or_log(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    server = await serve()
    admin = administrator(server)
    secrets = {"ldap_search_password": CANARY, "oidc_client_secret": CANARY, "uaa_client_secret": CANARY}

    answers = [
        await put(admin, secrets),
        await put(admin, {**secrets, "session_timeout": 0}),
        await put(admin, {"ldap_search_password": [CANARY]}),
        await put(admin, {"ldap_search_password": CANARY * 10_000}),
    ]

    assert [answer.status for answer in answers] == [200, 400, 400, 400]
    shown = await get(admin)
    assert not secrets.keys() & shown.keys()
    rows = await server.rows("SELECT detail FROM audit") + await server.rows("SELECT items, fixed FROM configuration")
    for text in (json.dumps(shown), str(rows), caplog.text, *(str(answer.body) for answer in answers)):
        assert CANARY not in text


async def test_what_the_environment_fixes_is_locked_and_says_by_what(serve: Serve) -> None:
    server = await serve(config_overwrite=Secret('{"session_timeout": 9, "auth_mode": "ldap_auth"}'))
    admin = administrator(server)

    refused = await put(admin, {"session_timeout": 10, "self_registration": True})
    taken = await put(admin, {"self_registration": True})

    assert (refused.status, refused.code) == (403, "FORBIDDEN")
    assert refused.json()["errors"][0]["detail"]["variable"] == "MOORAGE_CONFIG_OVERWRITE"
    assert taken.status == 200
    shown = await get(admin)
    assert shown["session_timeout"] == {"value": 9, "editable": False, "variable": "MOORAGE_CONFIG_OVERWRITE"}
    assert (shown["auth_mode"]["value"], shown["auth_mode"]["editable"]) == ("ldap_auth", False)
    assert shown["self_registration"] == {"value": True, "editable": True}


async def test_read_only_is_switched_on_and_off_through_the_api_and_holds_on_v2_at_once(serve: Serve) -> None:
    server = await serve()
    admin = administrator(server)

    assert (await put(admin, {"read_only": True})).status == 200
    assert (await server.send("POST", "/v2/library/app/blobs/uploads/")).status == 403
    assert (await put(admin, {"read_only": False})).status == 200
    assert (await server.send("POST", "/v2/library/app/blobs/uploads/")).status == 401


async def test_a_syslog_receiver_is_saved_only_when_it_can_be_reached(serve: Serve) -> None:
    place = administrator(await serve())
    listening = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    good = f"127.0.0.1:{port}"
    assert (await put(place, {"audit_log_forward_endpoint": good})).status == 200
    listening.close()
    await listening.wait_closed()

    refused = await put(place, {"audit_log_forward_endpoint": "127.0.0.1:1", "session_timeout": 77})

    assert (refused.status, refused.json()["errors"][0]["detail"]["reason"]) == (400, "RECEIVER_UNUSABLE")
    assert (await put(place, {"audit_log_forward_endpoint": good, "session_timeout": 61})).status == 200
    assert (await put(place, {"audit_log_forward_endpoint": ""})).status == 200


@pytest.mark.part("oidc")
async def test_settings_of_a_provider_are_saved_with_a_warning_that_says_what_does_not_work(
    serve: Serve, parts: Parts
) -> None:
    provider = parts.get("oidc", Oidc)
    admin = administrator(await serve())

    async def save(**changes: object) -> str | None:
        answer = await put(admin, changes)
        assert (answer.status, answer.body) == (200, b"")
        warned = answer.header("warning")
        assert answer.header("warning-codes") == ("PROVIDER_UNUSABLE" if warned else None)
        return warned

    said = await save(auth_sources=["local", "oidc"], oidc_endpoint=f"http://127.0.0.1:{free_port()}")
    quiet = await save(oidc_name="SSO")
    good = await save(oidc_endpoint=provider.issuer)

    assert said is not None
    assert said.startswith('299 - "This provider cannot be used. ')
    assert "cannot be reached" in said
    assert (quiet, good) == (None, None)


async def test_a_syslog_receiver_can_be_tested_before_it_is_set(serve: Serve) -> None:
    admin = administrator(await serve())
    listening = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]

    async def ping(**body: object) -> Answer:
        headers = {**admin.basic, "content-type": "application/json"}
        return await admin.server.send(
            "POST", "/api/v2.0/system/syslog/ping", json.dumps(body).encode(), headers=headers
        )

    assert (await ping(endpoint=f"127.0.0.1:{port}")).status == 200
    answers = [
        await ping(endpoint=f"127.0.0.1:{port}", tls=True),
        await ping(endpoint=""),
        await ping(endpoint="syslog.example"),
        await ping(endpoint=f"127.0.0.1:{port}", tls=True, ca_certificate="none of my certificates"),
    ]
    listening.close()
    await listening.wait_closed()
    answers.append(await ping(endpoint=f"127.0.0.1:{port}"))

    assert [answer.status for answer in answers] == [400, 400, 400, 400, 400]
    details = [answer.json()["errors"][0]["detail"] for answer in answers]
    unusable, invalid = "RECEIVER_UNUSABLE", "CONFIGURATION_INVALID"
    assert [one["reason"] for one in details] == [unusable, unusable, invalid, invalid, unusable]
    assert details[4]["which"] == "CONNECT_REFUSED"
    assert details[0]["which"] in {"CONNECT_TLS", "CONNECT_CLOSED"}
    assert (details[2]["item"], details[3]["item"]) == (
        "audit_log_forward_endpoint", "audit_log_forward_ca_certificate",
    )  # fmt: skip
    assert (await get(admin))["audit_log_forward_endpoint"]["value"] == ""


async def test_the_internal_form_has_values_as_they_are_and_no_secrets(serve: Serve) -> None:
    admin = administrator(await serve())
    changed = {"ldap_search_password": CANARY, "oidc_client_secret": CANARY, "session_timeout": 7}
    assert (await put(admin, changed)).status == 200

    answer = await admin.server.send("GET", "/api/v2.0/internalconfig", headers=admin.basic)

    assert answer.status == 200
    shown = answer.json()
    assert CANARY not in answer.body.decode()
    assert not {"ldap_search_password", "oidc_client_secret", "uaa_client_secret"} & shown.keys()
    assert shown["session_timeout"] == {"value": 7, "editable": True}
    assert shown["auth_sources"] == {"value": ["local"], "editable": True}
    assert shown["oidc_extra_redirect_parms"]["value"] == shown["scan_all_policy"]["value"] == {}
    assert shown["auth_mode"]["value"] == "db_auth"
