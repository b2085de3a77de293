"""Put the boot settings together: defaults, then a TOML file, then `MOORAGE_…` variables, then flags.

Everything that is refused is a `SettingInvalid` that names the key and the place it came from.
"""

import difflib
import ipaddress
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast, get_args
from urllib.parse import urlsplit

import msgspec

from moorage import failpoints
from moorage.settings import PREFIX, Key, Secret, Settings, list_keys, shown, split_listen, value_of

S = TypeVar("S", bound=msgspec.Struct)

DEFAULT = "default"

_NOT_OURS = re.compile(
    r"MOORAGE_(TEST_\w*|CONFIG|CACHE|(\w+_)?SERVICE_(HOST|PORT)(_\w+)?|(\w+_)?PORT(_\d+_(TCP|UDP)(_(ADDR|PORT|PROTO))?)?)"
)
"""Variables that are no settings: of tests, of `--config`, and those that Kubernetes adds for a service of our name."""


class SettingInvalid(Exception):
    """A setting cannot be used; the message names it and where it came from."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, and per key where its value came from.

    Attributes:
        sources: `default`, a file's path, `environment VARIABLE`, or a flag, by dotted key.
    """

    settings: Settings
    sources: Mapping[str, str]


def load(
    flags: Mapping[str, str] | None = None,
    *,
    config: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Loaded:
    """Put the settings together.

    Args:
        flags: values from the command line by dotted key; the source shown is `--` and the last part of the key.
        config: a TOML file that has to exist; None: `moorage.toml` in the data folder, if there is one.
        environment: the variables to read; None: those of this process.

    Raises:
        SettingInvalid: an unknown key or a value that cannot be used.
    """
    keys = {key.name: key for key in list_keys()}
    given: dict[str, tuple[object, str]] = {}
    variables = os.environ if environment is None else environment
    from_environment = dict(_read_environment(variables, keys))
    from_flags = {
        name: (value, "--" + name.rpartition(".")[2].replace("_", "-")) for name, value in (flags or {}).items()
    }

    config = config or variables.get(f"{PREFIX}CONFIG")
    data, _ = from_flags.get("data") or from_environment.get("data") or (Settings().data, DEFAULT)
    file = Path(config) if config else Path(str(data)) / "moorage.toml"
    given.update(_read_file(file, keys, required=config is not None))
    given.update(from_environment)
    given.update(from_flags)

    values: dict[str, object] = {}
    sources = dict.fromkeys(keys, DEFAULT)
    for name, (value, source) in _open_files(given, keys):
        values[name] = _convert(keys[name], value, source)
        sources[name] = source
    settings = _build(Settings, values)
    _check(settings, sources)
    return Loaded(settings, sources)


def forget_secrets() -> None:
    """Take the secrets out of the environment that programs we start would inherit."""
    for key in list_keys():
        if key.secret or key.name == "database.url":
            os.environ.pop(key.variable, None)


def _read_file(file: Path, keys: Mapping[str, Key], *, required: bool) -> Iterator[tuple[str, tuple[object, str]]]:
    try:
        tree = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        if required:
            raise SettingInvalid(f"The settings file {file} does not exist.") from None
        return
    except NotADirectoryError:
        return  # the data folder is no folder, which is said where it is opened
    except (OSError, UnicodeDecodeError) as error:
        raise SettingInvalid(f"The settings file {file} cannot be read: {_reason(error)}.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingInvalid(f"The settings file {file} is not TOML: {error}.") from error
    for name, value in _flatten(tree):
        if _plain(name, keys) == "data":
            raise SettingInvalid(f"{file}: `data` cannot be set in a file; use --data or MOORAGE_DATA.")
        if _plain(name, keys) is None:
            raise SettingInvalid(f"{file}: unknown setting `{name}`{_nearest(name, keys)}.")
        yield name, (value, str(file))


def _flatten(tree: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for part, value in tree.items():
        name = prefix + part
        if isinstance(value, dict) and value:
            yield from _flatten(value, f"{name}.")
        else:
            yield name, value


def _read_environment(
    variables: Mapping[str, str], keys: Mapping[str, Key]
) -> Iterator[tuple[str, tuple[object, str]]]:
    for variable, text in sorted(variables.items()):
        if not variable.startswith(PREFIX) or _NOT_OURS.fullmatch(variable):
            continue
        name = variable.removeprefix(PREFIX).lower().replace("__", ".")
        plain = _plain(name, keys)
        if plain is None:
            near = _nearest(name, keys, lambda key: PREFIX + key.upper().replace(".", "__"))
            raise SettingInvalid(f"Unknown setting: environment variable {variable}{near}.")
        value: object = text
        if plain == name and _is_list(keys[name]):
            try:
                value = json.loads(text)
            except ValueError:
                raise SettingInvalid(
                    f'Setting `{name}` (environment {variable}): write a JSON list, for example ["one", "two"].'
                ) from None
        yield name, (value, f"environment {variable}")


def _open_files(
    given: Mapping[str, tuple[object, str]], keys: Mapping[str, Key]
) -> Iterator[tuple[str, tuple[object, str]]]:
    """Replace each `…_file` of a secret by what the file holds, without the line end."""
    for name, (value, source) in given.items():
        if name in keys:
            yield name, (value, source)
            continue
        plain = name.removesuffix("_file")
        if plain in given:
            other = given[plain][1]
            raise SettingInvalid(f"Both `{plain}` ({other}) and `{name}` ({source}) are given; leave one out.")
        try:
            text = Path(str(value)).read_text("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingInvalid(f"Setting `{name}` ({source}): {value} cannot be read: {_reason(error)}.") from error
        if not text:
            raise SettingInvalid(f"Setting `{name}` ({source}): {value} is empty.")
        yield plain, (text, f"{source}, file {value}")


def _plain(name: str, keys: Mapping[str, Key]) -> str | None:
    """The key that `name` sets, itself or as `…_file`; None when it is unknown."""
    if name in keys:
        return name
    plain = name.removesuffix("_file")
    return plain if plain != name and plain in keys and keys[plain].secret else None


def _nearest(name: str, keys: Mapping[str, Key], form: Callable[[str], str] = str) -> str:
    names = {**keys, **{f"{key.name}_file": key for key in keys.values() if key.secret}}
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.8)
    if not near:  # the last part may be right and the table wrong or missing
        near = [key for key in names if key.rpartition(".")[2] == name.rpartition(".")[2]]
    near = near or difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; the nearest known one is `{form(near[0])}`" if near else "; `moorage settings` lists the known ones"


def _is_list(key: Key) -> bool:
    return isinstance(key.default, tuple)


def _convert(key: Key, value: object, source: str) -> object:
    is_text = isinstance(value, str) and source.startswith(("environment ", "--"))
    try:
        return msgspec.convert(value, key.type, strict=not is_text, dec_hook=_secret)
    except (msgspec.ValidationError, NotImplementedError) as error:
        reason = str(error).split(" - at ")[0]
        choices = [part for kind in (key.type, *get_args(key.type)) for part in get_args(kind) if isinstance(part, str)]
        if reason.startswith("Invalid enum value"):
            reason = f"expected one of {', '.join(dict.fromkeys(choices))}, got {value!r}"
        raise SettingInvalid(f"Setting `{key.name}` ({source}): {reason[0].lower()}{reason[1:]}.") from None


def _secret(kind: type, value: object) -> object:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise msgspec.ValidationError(f"Expected `str`, got `{type(value).__name__}`")


def _build(kind: type[S], values: Mapping[str, object], prefix: str = "") -> S:
    fields: dict[str, object] = {}
    for field in msgspec.structs.fields(kind):
        name = prefix + field.name
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            fields[field.name] = _build(field.type, values, f"{name}.")
        elif name in values:
            fields[field.name] = values[name]
    return kind(**fields)


def _check(settings: Settings, sources: Mapping[str, str]) -> None:
    """What the types cannot say."""
    for name, check in _CHECKS.items():
        value = value_of(settings, name)
        for item in value if isinstance(value, tuple) else (value,):
            try:
                if item:
                    check(cast("str", item))
            except ValueError as error:
                text = repr(item if isinstance(item, Secret) else shown(Key(name, str, ""), item))
                raise SettingInvalid(f"Setting `{name}` ({sources[name]}): {text}: {error}.") from None
    for one, other in (("tls_cert", "tls_key"), ("tls_key", "tls_cert")):
        if value_of(settings, one) and not value_of(settings, other):
            raise SettingInvalid(f"Setting `{one}` ({sources[one]}) needs `{other}` too: a certificate and its key.")
    try:
        _ = settings.overwrite
    except ValueError as error:
        raise SettingInvalid(f"Setting `config_overwrite` ({sources['config_overwrite']}): {error}.") from None
    if settings.storage.kind == "s3" and not settings.storage.s3.bucket:
        raise SettingInvalid("Setting `storage.s3.bucket` is not set; `storage.kind` is `s3`, which needs it.")
    if settings.storage.kind == "memory" and settings.worker_count > 1:
        raise SettingInvalid("Setting `workers`: with `storage.kind` `memory` there can be one only.")


def _check_url(text: str) -> None:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("expected a URL like https://registry.example.com")


def _check_external_url(text: str) -> None:
    _check_url(text)
    if urlsplit(text).path not in {"", "/"}:
        raise ValueError("clients want the registry at the root of a host: leave out the path")


def _check_database_url(text: str) -> None:
    scheme = text.partition(":")[0]
    if scheme.partition("+")[0] not in {"sqlite", "postgresql"} or "://" not in text:
        raise ValueError("expected sqlite:///FILE or postgresql://USER@HOST/NAME")
    if scheme.startswith("sqlite") and not text.partition(":///")[2]:
        raise ValueError("an SQLite database needs a file: sqlite:///FILE")


def _check_redis_url(text: str) -> None:
    if not text.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("expected redis://HOST:PORT/NUMBER, or rediss:// with TLS")


def _check_proxy(text: str) -> None:
    _check_url(text)
    if urlsplit(text).scheme != "http" or urlsplit(text).path not in {"", "/"}:
        raise ValueError("expected http://HOST:PORT")


def _check_host(text: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d+)?", text):
        raise ValueError("expected a host name, without scheme or path")


def _check_fault(text: str) -> None:
    if text.partition(":")[0] not in failpoints.POINTS:
        raise ValueError("there is no such point in moorage.failpoints")


_CHECKS: Mapping[str, Any] = {  # functions of one text; a ValueError says what is wrong with it
    "fault": _check_fault,
    "listen": split_listen,
    "external_url": _check_external_url,
    "storage.s3.endpoint": _check_url,
    "database.url": _check_database_url,
    "sessions.redis_url": _check_redis_url,
    "allowed_hosts": _check_host,
    "trusted_proxies": ipaddress.ip_network,
    "outgoing.allowed_networks": ipaddress.ip_network,
    "outgoing.proxy": _check_proxy,
}


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8"
