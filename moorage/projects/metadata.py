"""Settings of a project, in the contract's form: texts by name.

`public` is a column of the project and decides who sees it, and so is `trash_days`, which is ours; the others are read
by the subjects that obey them (scanning, signing, the proxy cache), which may come later than the setting.

Source: Harbor API v2.0, `ProjectMetadata`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from moorage.errors import MetadataInvalid, MetadataUnknown
from moorage.selectors import compile_selector

PUBLIC = "public"
TRASH_DAYS = "trash_days"
DEFAULT_TRASH_DAYS = 7
MAX_TRASH_DAYS = 3650
MAX_TAG_SECONDS = 30 * 86_400
COLUMNS = frozenset({PUBLIC, TRASH_DAYS})
"""Settings that are columns of their own."""

RETENTION = "retention_id"
READ_ONLY = frozenset({RETENTION})

_FILTER, _FILTER_KIND = "proxy_cache_filter_pattern", "proxy_cache_filter_kind"
FILTER_KEYS = frozenset({_FILTER, _FILTER_KIND})
"""Settings that are read together: which repositories a proxy cache takes up."""

_BOOLEANS = frozenset({"true", "false"})
_SEVERITIES = frozenset({"none", "low", "medium", "high", "critical"})


def _boolean(value: str) -> str:
    folded = value.lower()
    if folded not in _BOOLEANS:
        raise ValueError("'true' or 'false'")
    return folded


def _severity(value: str) -> str:
    folded = value.lower()
    if folded not in _SEVERITIES:
        raise ValueError("one of none, low, medium, high, critical")
    return folded


def _number(value: str) -> str:
    if not value.removeprefix("-").isascii() or not value.removeprefix("-").isdigit() or len(value) > 10:
        raise ValueError("a whole number, -1 for no limit")
    if int(value) < -1:
        raise ValueError("-1 for no limit, or more")
    return str(int(value))


def _days(value: str) -> str:
    if not (value.isascii() and value.isdigit()) or len(value) > 6 or int(value) > MAX_TRASH_DAYS:
        raise ValueError(f"a whole number of days, 0 (nothing is kept) to {MAX_TRASH_DAYS}")
    return str(int(value))


def _seconds(value: str) -> str:
    if not (value.isascii() and value.isdigit()) or len(value) > 8 or int(value) > MAX_TAG_SECONDS:
        raise ValueError(f"a whole number of seconds, 0 (ask each time) to {MAX_TAG_SECONDS}")
    return str(int(value))


def _pattern_kind(value: str) -> str:
    if value not in {"doublestar", "regex"}:
        raise ValueError("'doublestar' or 'regex'")
    return value


def _pattern(value: str) -> str:
    if len(value) > 1024:
        raise ValueError("at most 1024 characters")
    return value


KEYS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        PUBLIC: _boolean,
        TRASH_DAYS: _days,
        "enable_content_trust": _boolean,
        "enable_content_trust_cosign": _boolean,
        "prevent_vul": _boolean,
        "severity": _severity,
        "auto_scan": _boolean,
        "auto_sbom_generation": _boolean,
        "reuse_sys_cve_allowlist": _boolean,
        "proxy_speed_kb": _number,
        "max_upstream_conn": _number,
        "proxy_cache_local_on_not_found": _boolean,
        "proxy_referrer_api": _boolean,
        "proxy_cache_filter_pattern": _pattern,
        "proxy_cache_filter_kind": _pattern_kind,
        "proxy_cache_tag_seconds": _seconds,
        "proxy_cache_evict": _boolean,
    }
)
"""What can be set, each with what brings a value into its one form or raises ValueError with what is allowed."""

PROXY_KEYS = frozenset(key for key in KEYS if key.startswith(("proxy_", "max_upstream")))
"""Only a proxy-cache project has these."""
_NOT_OF_PROXY = frozenset({"enable_content_trust", "enable_content_trust_cosign"})
"""What a proxy-cache project leaves out, as in the contract: nobody signs there."""


def parse_metadata(values: Mapping[str, str | None], *, is_proxy: bool = False) -> dict[str, str]:
    """Values in their one form. Names that are not known, null and empty values are left out, as in the contract.

    Raises:
        MetadataInvalid: a value that its name does not allow, or one for a proxy cache in another project.
    """
    parsed: dict[str, str] = {}
    for key, value in values.items():
        check = KEYS.get(key)
        if check is None or value is None or value == "" or key in (_NOT_OF_PROXY if is_proxy else PROXY_KEYS):
            continue
        parsed[key] = _checked(key, value, check)
    require_filter(parsed)
    return parsed


def require_filter(settings: Mapping[str, str]) -> None:
    """The filter of a proxy cache that stands in these settings can be read.

    Raises:
        SelectorInvalid: it cannot; the message says where.
    """
    if pattern := settings.get(_FILTER):
        compile_selector(settings.get(_FILTER_KIND, "doublestar"), pattern)


def parse_one(key: str, value: str, *, is_proxy: bool = False) -> str:
    """One value in its one form.

    Raises:
        MetadataUnknown: no such setting can be set here.
        MetadataInvalid: the value is not allowed.
    """
    check = KEYS.get(key)
    if check is None or key in READ_ONLY or key in (_NOT_OF_PROXY if is_proxy else PROXY_KEYS):
        raise MetadataUnknown(name=key[:64])
    return _checked(key, value, check)


def _checked(key: str, value: str, check: Callable[[str], str]) -> str:
    try:
        return check(value)
    except ValueError as error:
        raise MetadataInvalid(f"The setting '{key}' takes {error}.", name=key, value=value[:64]) from error
