"""What a value of a live setting may be."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

import moorage
from moorage.configuration.schema import MAX_DURATION, MODES, Items
from moorage.configuration.validation import AUDIT_EVENTS, SECRETS, change, require_known
from moorage.errors import ItemInvalid
from moorage.settings import Secret

CONTRACT = {
    "auth_mode": "db_auth", "primary_auth_mode": False, "ldap_base_dn": "", "ldap_filter": "",
    "ldap_group_base_dn": "", "ldap_group_admin_dn": "", "ldap_group_attribute_name": "",
    "ldap_group_search_filter": "", "ldap_group_search_scope": 2, "ldap_scope": 2, "ldap_search_dn": "",
    "ldap_search_password": "", "ldap_timeout": 5, "ldap_uid": "cn", "ldap_url": "", "ldap_verify_cert": True,
    "ldap_group_membership_attribute": "memberof", "ldap_group_attach_parallel": False, "scan_all_policy": "",
    "project_creation_restriction": "everyone", "read_only": False, "self_registration": False,
    "token_expiration": 30, "uaa_client_id": "", "uaa_client_secret": "", "uaa_endpoint": "",
    "uaa_verify_cert": False, "http_authproxy_endpoint": "", "http_authproxy_tokenreview_endpoint": "",
    "http_authproxy_admin_groups": "", "http_authproxy_admin_usernames": "", "http_authproxy_verify_cert": True,
    "http_authproxy_skip_search": False, "http_authproxy_server_certificate": "", "oidc_name": "",
    "oidc_endpoint": "", "oidc_client_id": "", "oidc_client_secret": "", "oidc_groups_claim": "",
    "oidc_admin_group": "", "oidc_group_filter": "", "oidc_scope": "", "oidc_user_claim": "",
    "oidc_verify_cert": True, "oidc_auto_onboard": False, "oidc_extra_redirect_parms": {}, "oidc_logout": False,
    "robot_token_duration": 30, "robot_name_prefix": "robot$", "notification_enable": True,
    "quota_per_project_enable": True, "storage_per_project": -1, "pull_time_update_disable": False,
    "pull_count_update_disable": False, "pull_audit_log_disable": False, "audit_log_forward_endpoint": "",
    "skip_audit_log_database": False, "scanner_skip_update_pulltime": False, "disabled_audit_log_event_types": "",
    "session_timeout": 60, "banner_message": "",
}  # fmt: skip
"""Every user-scope item of the contract with its default."""


def test_every_item_of_the_contract_is_there_with_its_default() -> None:
    items = Items()

    assert {name: getattr(items, name) for name in CONTRACT} == CONTRACT


def test_passwords_are_secrets_and_do_not_print() -> None:
    items = Items(ldap_search_password=Secret("hush"), oidc_client_secret=Secret("hush"))

    assert sorted(SECRETS) == ["ldap_search_password", "oidc_client_secret", "uaa_client_secret"]
    assert "hush" not in repr(items)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("token_expiration", "robot_token_duration", "session_timeout")
          for value in (1, MAX_DURATION)),
        *((name, value) for name in ("ldap_scope", "ldap_group_search_scope") for value in (0, 1, 2)),
        ("storage_per_project", -1),
        ("storage_per_project", 1 << 50),
        ("project_creation_restriction", "adminonly"),
        ("oidc_endpoint", "https://id.example.com/realms/one/"),
        ("oidc_endpoint", "http://127.0.0.1:9000"),
        ("ldap_url", "ldaps://ldap.example.com"),
        ("ldap_url", "ldap://[::1]:1389"),
        ("audit_log_forward_endpoint", "log.example.com:514"),
        ("robot_name_prefix", "bot_"),
        ("banner_message", json.dumps({"message": "Down\nat 8", "type": "danger", "closable": False, "toDate": "x"})),
        ("banner_message", ""),
        ("disabled_audit_log_event_types", "pull_artifact,create_artifact"),
        ("oidc_group_filter", "^team-.*$"),
        ("header_user", "X-Forwarded-User"),
        ("scan_all_policy", '{"type":"none"}'),
        ("auth_sources", ("ldap", "local", "oidc")),
        ("oidc_extra_redirect_parms", {"prompt": "login"}),
    ],
)  # fmt: skip
def test_a_good_value_is_kept_as_it_is(name: str, value: object) -> None:
    assert getattr(change(Items(), {name: msgspec.to_builtins(value)}), name) == value


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        *((name, value, "a whole number from 1 to 9999999999")
          for name in ("token_expiration", "robot_token_duration", "session_timeout")
          for value in (0, -1, MAX_DURATION + 1, "30", 1.5, True)),
        ("ldap_scope", 3, "from 0 to 2"),
        ("ldap_group_search_scope", -1, "from 0 to 2"),
        ("ldap_timeout", 0, "from 1 to 3600"),
        ("ldap_uid", "", "cannot be empty"),
        ("robot_name_prefix", "", "cannot be empty"),
        ("robot_name_prefix", "ro:bot", "colon"),
        ("robot_name_prefix", "ro bot", "visible"),
        ("storage_per_project", 0, "-1 for no limit"),
        ("storage_per_project", -2, "from -1"),
        ("storage_per_project", (1 << 50) + 1, "from -1"),
        ("auth_mode", "uaa_auth", "db_auth, ldap_auth, oidc_auth, http_auth"),
        ("auth_mode", "", "db_auth"),
        ("auth_mode", 5, "db_auth"),
        ("auth_sources", [], "one source at least"),
        ("auth_sources", ["ldap", "ldap"], "each once"),
        ("auth_sources", ["kerberos"], "a list of local, ldap, oidc, header"),
        ("auth_sources", "ldap", "a list of"),
        ("read_only", "true", "true or false"),
        ("read_only", 1, "true or false"),
        ("project_creation_restriction", "nobody", "one of everyone, adminonly"),
        ("ldap_url", "https://ldap.example.com", "ldap://"),
        ("ldap_url", "ldap://ldap.example.com/dc=x??sub", "ldap://"),
        ("ldap_url", "ldap://cn=a:pw@ldap.example.com", "credentials"),
        ("ldap_url", "ldap://host:99999", "ort"),
        ("oidc_endpoint", "id.example.com", "https://"),
        ("oidc_endpoint", "file:///etc/passwd", "https://"),
        ("oidc_endpoint", "https://user:pw@id.example.com", "credentials"),
        ("oidc_endpoint", "https://[::1", "IPv6"),
        ("uaa_endpoint", "ftp://x", "https://"),
        ("audit_log_forward_endpoint", "log.example.com", "HOST:PORT"),
        ("audit_log_forward_endpoint", "log.example.com:0", "HOST:PORT"),
        ("skip_audit_log_database", True, "audit_log_forward_endpoint"),
        ("disabled_audit_log_event_types", "create_artifact,create_world", "create_world"),
        ("banner_message", "Hello", "JSON object"),
        ("banner_message", "[1]", "JSON object"),
        ("banner_message", "[" * 50_000, "JSON object"),
        ("banner_message", '{"type":"loud"}', "success, info, warning, danger"),
        ("banner_message", '{"message":1}', "texts"),
        ("banner_message", '{"closable":"yes"}', "true or false"),
        ("oidc_extra_redirect_parms", "{", "JSON object"),
        ("oidc_extra_redirect_parms", '{"a":1}', "texts"),
        ("oidc_extra_redirect_parms", {"a": "x" * 5000}, "4096"),
        ("oidc_group_filter", "(", "regular expression"),
        ("oidc_group_filter", "^(?!guests).*$", "regular expression"),
        ("oidc_group_filter", r"(a)\1", "regular expression"),
        ("oidc_group_filter", "(a{1000}){1000}", "too much memory"),
        ("oidc_group_filter", "a" * 513, "512"),
        ("header_user", "X Forwarded", "header"),
        ("ldap_ca_certificate", "not PEM", "PEM"),
        ("ldap_filter", "(a=\0)", "control character"),
        ("oidc_name", "two\nlines", "control character"),
        ("oidc_name", "x" * 65_537, "65536"),
        ("ldap_search_password", ["x"], "a text"),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_by_name_and_never_shown(name: str, value: Any, says: str) -> None:
    with pytest.raises(ItemInvalid, match=f"The value of {name} is invalid") as caught:
        change(Items(), {name: value})

    assert says in str(caught.value)
    detail = dict(caught.value.detail)
    assert re.fullmatch("|[A-Z_]+", str(detail.pop("which", "")))  # a cause, and nothing of the value
    assert detail == {"item": name}


def test_unknown_names_and_null_are_passed_over() -> None:
    assert change(Items(), {"with_notary": True, "read_only": None, "_": "x"}) == Items()


def test_what_fixes_items_names_only_items() -> None:
    with pytest.raises(ItemInvalid, match="no live setting 'with_notary'"):
        require_known({"with_notary": True})
    with pytest.raises(ItemInvalid, match="read_only"):
        require_known({"read_only": None})


@pytest.mark.parametrize(("given", "kept"), [
    ("ldap.example.com", "ldap://ldap.example.com"),
    ("ldap.example.com:636", "ldaps://ldap.example.com:636"),
    ("ldap://ldap.example.com/", "ldap://ldap.example.com"),
])  # fmt: skip
def test_the_directory_always_has_a_scheme(given: str, kept: str) -> None:
    assert change(Items(), {"ldap_url": given}).ldap_url == kept


# -- who signs in -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "mode", "after"),
    [
        (("local",), "db_auth", ("local",)),
        (("local",), "ldap_auth", ("ldap", "local")),
        (("local",), "oidc_auth", ("oidc", "local")),
        (("local",), "http_auth", ("header", "local")),
        (("ldap", "local"), "db_auth", ("local", "ldap")),
        (("local", "ldap", "oidc"), "oidc_auth", ("oidc", "local", "ldap")),
        (("ldap", "oidc"), "ldap_auth", ("ldap", "oidc", "local")),
    ],
)
def test_a_mode_moves_its_source_to_the_front_and_switches_none_off(before: Any, mode: str, after: Any) -> None:
    items = change(Items(auth_sources=before), {"auth_mode": mode})

    assert items.auth_sources == after
    assert items.auth_mode == mode


def test_the_list_of_sources_wins_over_the_mode() -> None:
    items = change(Items(), {"auth_mode": "ldap_auth", "auth_sources": ["oidc"]})

    assert items.auth_sources == ("oidc",)
    assert set(MODES) == {"db_auth", "ldap_auth", "oidc_auth", "http_auth"}


def test_a_source_in_use_keeps_its_address() -> None:
    items = Items(auth_sources=("ldap", "local"), ldap_url="ldap://x", ldap_base_dn="dc=x")

    for name in ("ldap_url", "ldap_base_dn"):
        with pytest.raises(ItemInvalid, match="while people come from ldap"):
            change(items, {name: ""})
    assert change(items, {"auth_sources": ["local"], "ldap_url": ""}).ldap_url == ""


def test_the_last_copy_of_the_audit_log_cannot_be_given_up() -> None:
    items = change(Items(), {"skip_audit_log_database": True, "audit_log_forward_endpoint": "log:514"})

    with pytest.raises(ItemInvalid, match="nothing would be kept"):
        change(items, {"audit_log_forward_endpoint": ""})


# -- the audit log ----------------------------------------------------------------------------------------


def test_every_event_that_is_written_down_can_be_left_out() -> None:
    tree = ast.parse((Path(moorage.__file__).parent / "audit" / "on_events.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "_write"]
    words = [[one.value for one in call.args[1:3] if isinstance(one, ast.Constant)] for call in calls]
    written = {"_".join(map(str, pair)) for pair in words if len(pair) == 2}

    assert len(written) > 10
    assert written <= set(AUDIT_EVENTS)
