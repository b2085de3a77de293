"""Validate values of live settings."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, get_args, get_origin
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from moorage.configuration.schema import MODES, Items, Source
from moorage.errors import ItemInvalid, SelectorInvalid
from moorage.ldap import filters
from moorage.ldap.names import NameOfEntryInvalid, fold_dn
from moorage.selectors import compile_search
from moorage.settings import Secret, split_listen

MAX_CHARACTERS = 65_536
"""Of one item; certificates are the longest."""

TYPES: Mapping[str, Any] = MappingProxyType(  # whatever msgspec takes as a type
    {field.name: field.type for field in msgspec.structs.fields(Items)}
)
DEFAULTS = Items()
SECRETS = frozenset(name for name, kind in TYPES.items() if kind is Secret)
"""Items whose value is never shown."""

NAMES = frozenset({"auth_mode", *TYPES})
"""What a client may name: every item, and the contract's `auth_mode`, which stands for the first of `auth_sources`."""

AUDIT_EVENTS = (
    "create_artifact", "delete_artifact", "pull_artifact", "create_tag", "delete_tag", "delete_blob",
    "update_repository", "delete_repository", "create_project", "update_project", "delete_project", "create_member",
    "update_member", "delete_member", "create_user", "update_user", "delete_user", "login_user", "logout_user",
    "create_robot", "update_robot", "delete_robot", "update_configuration", "create_group", "update_group",
    "delete_group", "create_immutable_rule", "update_immutable_rule", "delete_immutable_rule",
    "create_retention", "update_retention", "delete_retention",
    "create_webhook", "update_webhook", "delete_webhook",
    "create_replication", "update_replication", "delete_replication",
    "create_label", "update_label", "delete_label", "create_artifact-label", "delete_artifact-label",
    "create_access_token", "delete_access_token",
    "restore_tag", "restore_artifact", "restore_repository", "restore_project",
    "create_registry", "update_registry", "delete_registry", "create_mirror", "delete_mirror",
    "purge_tag", "purge_artifact", "purge_repository", "purge_project",
    "create_execution", "stop_execution", "update_schedule", "delete_schedule", "update_queue", "purge_audit-log",
    "update_seal-key",
)  # fmt: skip
"""The events of the audit log: operation and type of resource. Source: the contract, and `audit/on_events.py`."""

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
_PREFIX = re.compile(r"[!-9;-~]{1,64}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_BREAK = re.compile(r"[\t\r\n]")
_BANNERS = ["success", "info", "warning", "danger"]


def change(before: Items, changes: Mapping[str, object]) -> Items:
    """The items after `changes`, a JSON object from outside. Unknown names and null are passed over.

    Raises:
        ItemInvalid: a value is of the wrong type or out of range, or the items do not go together.
    """
    values = read_values(changes, before.auth_sources)
    after = msgspec.structs.replace(before, **values)
    _require_agreement(after, values)
    return after


def require_known(overwrite: Mapping[str, object]) -> None:
    """Require that every name is a live setting and each value is valid by itself.

    Raises:
        ItemInvalid: one is not.
    """
    for name, value in overwrite.items():
        if name not in NAMES:
            raise ItemInvalid(f"There is no live setting {name!r}.", item=name)
        if value is None:
            raise ItemInvalid(f"The value of {name} is invalid: null.", item=name)
    read_values(overwrite)


def list_unknown(changes: Iterable[str]) -> list[str]:
    """Names among these that are no live setting's, the first twenty; what looks like no name is left out."""
    return [name for name in changes if name not in NAMES and _NAME.fullmatch(name)][:20]


def read_values(changes: Mapping[str, object], sources: tuple[Source, ...] = DEFAULTS.auth_sources) -> dict[str, Any]:
    """The values that `changes` sets, each with the type that it has in `Items`, checked one by one.

    Args:
        changes: a JSON object from outside.
        sources: those from before, of which `auth_mode` moves one to the front.

    Raises:
        ItemInvalid: a value is of the wrong type or out of range.
    """
    values = {name: read_value(name, value) for name, value in changes.items() if name in TYPES and value is not None}
    mode = changes.get("auth_mode")
    if mode is not None and "auth_sources" not in values:
        values["auth_sources"] = _first(_read_mode(mode), sources)
    return values


def read_value(name: str, value: object) -> Any:  # noqa: ANN401 - the type of the item
    """One value, with the type that it has in `Items`.

    Raises:
        ItemInvalid: it is of the wrong type or out of range.
    """
    kind = TYPES[name]
    if name == "oidc_extra_redirect_parms" and isinstance(value, str):
        value = _read_object(name, value)
    try:
        typed = msgspec.convert(value, kind, dec_hook=_secret)
    except msgspec.ValidationError:
        raise _invalid(name, f"expected {_describe(kind)}") from None
    if isinstance(typed, str):
        text = typed.reveal() if isinstance(typed, Secret) else typed
        if len(text) > MAX_CHARACTERS:
            raise _invalid(name, f"it has more than {MAX_CHARACTERS} characters")
        if _CONTROL.search(text) or (name not in _OF_LINES and _BREAK.search(text)):
            raise _invalid(name, "it holds a control character")
    check = _CHECKS.get(name)
    if check is None or typed == "":  # an empty text says "none"; those that may not be empty say so themselves
        if name in {"ldap_uid", "robot_name_prefix"} and not typed:
            raise _invalid(name, "it cannot be empty")
        return typed
    try:
        return check(typed)
    except ValueError as error:
        raise _invalid(name, str(error), _CAUSES.get(check, "")) from None


def _require_agreement(items: Items, changed: Mapping[str, object]) -> None:
    """Refuse changes that contradict other settings; conflicts that existed before are left alone."""
    if changed.keys() & {"skip_audit_log_database", "audit_log_forward_endpoint"} and (
        items.skip_audit_log_database and not items.audit_log_forward_endpoint
    ):
        raise _invalid("skip_audit_log_database", "it needs audit_log_forward_endpoint, or nothing would be kept")
    for name, source in (("ldap_url", "ldap"), ("ldap_base_dn", "ldap"), ("oidc_endpoint", "oidc")):
        if name in changed and not getattr(items, name) and source in items.auth_sources:
            raise _invalid(name, f"it cannot be empty while people come from {source}; take it out of auth_sources")


# -- who signs in -----------------------------------------------------------------------------------------


def _read_mode(mode: object) -> Source:
    source = MODES.get(mode) if isinstance(mode, str) else None
    if source is None:
        raise _invalid("auth_mode", f"expected one of {', '.join(MODES)}")
    return source


def _first(source: Source, sources: tuple[Source, ...]) -> tuple[Source, ...]:
    """The sources with one moved to the front. None is switched off: nobody is locked out by another one's coming."""
    rest = tuple(one for one in sources if one != source)
    return (source, *rest) if "local" in (source, *rest) else (source, *rest, "local")


def _check_sources(sources: tuple[Source, ...]) -> tuple[Source, ...]:
    if not sources or len(set(sources)) != len(sources):
        raise ValueError("expected one source at least, and each once")
    return sources


# -- forms ------------------------------------------------------------------------------------------------


def _check_ldap_url(text: str) -> str:
    """With a scheme: the contract takes a bare host, too."""
    if "://" not in text:
        text = f"ldap{'s' if text.rpartition(':')[2] == '636' else ''}://{text}"
    parts = _split(text, "ldap", "ldaps")
    if parts[1] not in {"", "/"}:
        raise ValueError("expected ldap://HOST[:PORT] or ldaps://HOST[:PORT], without a path")
    return parts[0]


def _check_filter(text: str) -> str:
    try:
        filters.parse(text)
    except filters.FilterInvalid:
        raise ValueError("expected a filter in the form of RFC 4515, for example (objectClass=person)") from None
    return text


def _check_attribute(text: str) -> str:
    if not filters.is_attribute(text):
        raise ValueError("expected the name of an attribute, for example uid")
    return text


def _check_dn(text: str) -> str:
    try:
        fold_dn(text)
    except NameOfEntryInvalid:
        raise ValueError("expected a distinguished name, for example cn=admins,ou=groups,dc=example") from None
    return text


def _check_url(text: str) -> str:
    _split(text, "https", "http")
    return text


def _split(text: str, *schemes: str) -> tuple[str, str]:
    """Split a URL into origin and path."""
    parts = urlsplit(text)
    if parts.scheme not in schemes or not parts.hostname or parts.query or parts.fragment or " " in text:
        raise ValueError(f"expected a URL that begins with {schemes[0]}:// or {schemes[1]}://")
    if "@" in parts.netloc:
        raise ValueError("a URL holds no credentials here")
    if parts.port == 0:  # asking for it also refuses one that is no number
        raise ValueError("port 0 is no port")
    return f"{parts.scheme}://{parts.netloc}", parts.path


def _check_endpoint(text: str) -> str:
    try:
        _, port = split_listen(text)
    except ValueError:
        port = 0
    if not port:
        raise ValueError("expected HOST:PORT")
    return text


def _check_storage(size_bytes: int) -> int:
    if size_bytes == 0:
        raise ValueError("expected -1 for no limit, or a number of bytes")
    return size_bytes


def _check_prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise ValueError("expected up to 64 visible ASCII characters without a colon")
    return text


def _check_header(text: str) -> str:
    if not _HEADER_NAME.fullmatch(text):
        raise ValueError("expected the name of a header")
    return text


def _check_events(text: str) -> str:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in AUDIT_EVENTS]
    if unknown:
        raise ValueError(f"there is no event {unknown[0]!r}")
    return ",".join(dict.fromkeys(names))


def _check_expression(text: str) -> str:
    try:
        compile_search(text)
    except SelectorInvalid as error:
        raise ValueError(f"no regular expression: {error}") from None
    return text


def _check_certificates(text: str) -> str:
    try:
        from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415 - 2.5 MB that workers do without

        load_pem_x509_certificates(text.encode("utf-8"))
    except ValueError:
        raise ValueError("expected certificates in PEM") from None
    return text


def _check_banner(text: str) -> str:
    banner = _read_object("banner_message", text)
    texts = [banner.get(key) for key in ("message", "fromDate", "toDate")]
    if not all(one is None or isinstance(one, str) for one in texts) or not isinstance(
        banner.get("closable", True), bool
    ):
        raise ValueError("`message`, `fromDate` and `toDate` are texts, `closable` is true or false")
    if banner.get("type", "info") not in _BANNERS:
        raise ValueError(f"`type` is one of {', '.join(_BANNERS)}")
    return text


def _check_policy(text: str) -> str:
    _read_object("scan_all_policy", text)
    return text


def _check_parameters(parameters: Mapping[str, str]) -> Mapping[str, str]:
    if sum(len(key) + len(value) for key, value in parameters.items()) > 4096:
        raise ValueError("they have more than 4096 characters")
    if any(_CONTROL.search(text) for pair in parameters.items() for text in pair):
        raise ValueError("they hold a control character")
    return dict(parameters)


_CAUSES: Mapping[Callable[[Any], Any], str] = MappingProxyType(  # what is accepted, for whoever has words for it
    {
        _check_ldap_url: "SETTING_LDAP_URL",
        _check_filter: "SETTING_FILTER",
        _check_attribute: "SETTING_ATTRIBUTE",
        _check_dn: "SETTING_DN",
        _check_url: "SETTING_URL",
        _check_endpoint: "SETTING_HOST_PORT",
        _check_prefix: "SETTING_PREFIX",
        _check_header: "SETTING_HEADER",
        _check_certificates: "CA_NOT_PEM",
    }
)

_CHECKS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(  # of a value with the item's type, to what is kept
    {
        "auth_sources": _check_sources,
        "ldap_url": _check_ldap_url,
        "ldap_filter": _check_filter,
        "ldap_group_search_filter": _check_filter,
        "ldap_uid": _check_attribute,
        "ldap_email_attribute": _check_attribute,
        "ldap_group_attribute_name": _check_attribute,
        "ldap_group_membership_attribute": _check_attribute,
        "ldap_base_dn": _check_dn,
        "ldap_group_base_dn": _check_dn,
        "ldap_group_admin_dn": _check_dn,
        "oidc_endpoint": _check_url,
        "uaa_endpoint": _check_url,
        "http_authproxy_endpoint": _check_url,
        "http_authproxy_tokenreview_endpoint": _check_url,
        "audit_log_forward_endpoint": _check_endpoint,
        "storage_per_project": _check_storage,
        "robot_name_prefix": _check_prefix,
        "header_user": _check_header,
        "header_email": _check_header,
        "header_groups": _check_header,
        "disabled_audit_log_event_types": _check_events,
        "oidc_group_filter": _check_expression,
        "oidc_extra_redirect_parms": _check_parameters,
        "banner_message": _check_banner,
        "scan_all_policy": _check_policy,
        "ldap_ca_certificate": _check_certificates,
        "oidc_ca_certificate": _check_certificates,
        "audit_log_forward_ca_certificate": _check_certificates,
        "http_authproxy_server_certificate": _check_certificates,
    }
)
_OF_LINES = {name for name in TYPES if name.endswith("_certificate")} | {"banner_message", "scan_all_policy"}
"""Texts that may have several lines."""


def _read_object(name: str, text: str) -> dict[str, object]:
    """A JSON object that an item holds as text; an empty text is an empty one."""
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise _invalid(name, "expected the text of a JSON object")
    return value


def _secret(kind: type, value: object) -> object:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise msgspec.ValidationError


def _describe(kind: Any) -> str:  # noqa: ANN401 - whatever msgspec takes as a type
    """Describe the expected value in words."""
    if get_origin(kind) is Annotated:
        bounds = next(one for one in get_args(kind) if isinstance(one, Meta))
        return f"a whole number from {bounds.ge} to {bounds.le}"
    if get_origin(kind) is tuple:
        return f"a list of {', '.join(get_args(Source))}"
    if choices := [one for one in get_args(kind) if isinstance(one, str)]:
        return f"one of {', '.join(choices)}"
    return {bool: "true or false", int: "a whole number"}.get(kind, "a text" if kind in {str, Secret} else "texts")


def _invalid(name: str, reason: str, which: str = "") -> ItemInvalid:
    """The problem; it names the item and never its value, which may be a secret."""
    message = f"The value of {name} is invalid: {reason}."
    return ItemInvalid(message, item=name, which=which) if which else ItemInvalid(message, item=name)
