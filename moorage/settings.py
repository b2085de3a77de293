"""Boot settings: one frozen tree, read once at start and passed down. Nothing reads the environment later.

`moorage/cli/settings_loader.py` puts it together. The docstring below a field is its text in the settings page.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec
from msgspec import Meta

FIRST_PASSWORD = "admin-password"  # noqa: S105 - the name of the file in the data folder
"""Where the first administrator's generated password lies until it is changed."""


class Secret(str):
    """A text that prints as `***`; `reveal` gives it out, and so does whatever reads a `str` in C."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'" if self else "''"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def reveal(self) -> str:
        """The secret itself."""
        return str.__str__(self)


class Database(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where rows live."""

    url: str = ""
    """An SQLAlchemy URL (`postgresql://user@host/name`). Empty: SQLite in the data folder, which serves one host."""
    password: Secret = Secret()
    """The password for `url`, so that it need not stand in the URL. Or `password_file`."""
    pool_size: Annotated[int, Meta(ge=1, le=200)] = 10
    """Connections per process for changes (PostgreSQL only). At most as many again look things up, and half as many
    serve lists."""
    migrate: Literal["auto", "manual"] | None = None
    """Whether `serve` brings the tables up to date. Not set: on SQLite yes, on PostgreSQL no."""


class S3(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An S3 bucket, for `storage.kind = "s3"`."""

    bucket: str = ""
    """The bucket's name."""
    prefix: str = ""
    """A folder in the bucket; empty: its root."""
    endpoint: str = ""
    """The URL of the service; empty: Amazon's own."""
    region: str = "us-east-1"
    """The region of the bucket."""
    access_key: Secret = Secret()
    """The key id. Or `access_key_file`. Empty: the credentials of the machine."""
    secret_key: Secret = Secret()
    """The secret key. Or `secret_key_file`."""
    path_style: bool = True
    """Address the bucket by path; false: by host name."""


class Storage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where blob bytes live."""

    kind: Literal["filesystem", "s3", "memory"] = "filesystem"
    """The driver. `memory` loses everything at the end and is for tests."""
    path: str = ""
    """The folder of the filesystem driver; empty: `storage` in the data folder."""
    redirect: bool = True
    """Send pulls to a signed URL of the object store; false: stream through this server."""
    redirect_seconds: Annotated[int, Meta(ge=10, le=604_800)] = 600
    """How long such a URL works."""
    s3: S3 = S3()
    """The bucket."""


class Tokens(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Registry tokens."""

    key_folder: str = ""
    """The folder of the signing keys, the newest signs; empty: `keys/token` in the data folder."""


class Seals(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Sealing of the secrets that have to be read back: credentials of LDAP, OpenID, other registries, webhooks."""

    key_folder: str = ""
    """The folder of the sealing keys (`*.key`: 32 bytes or 64 hexadecimal digits, mode 0600), the newest seals, all
    open; empty: `keys/seal` in the data folder. Replicas need the same keys."""


class Sessions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Signed-in browsers."""

    redis_url: Secret = Secret()
    """Keep sessions in this Redis (`redis://`, `rediss://` with TLS). Or `redis_url_file`. Empty: in the database."""


class Uploads(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Uploads of blobs."""

    expiry_seconds: Annotated[int, Meta(ge=600)] = 86400
    """How long after its last byte an upload can be resumed."""
    open_limit: Annotated[int, Meta(ge=1)] = 1000
    """Open uploads per account; one more is 429."""
    lease_seconds: Annotated[int, Meta(ge=600)] = 14400
    """How long an unreferenced blob is kept after it was pushed, mounted or announced; at least 600."""
    idle_seconds: Annotated[int, Meta(ge=1)] = 60
    """How long a client may send nothing in the middle of a body."""


class Outgoing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Requests to other systems: registries, OpenID providers, webhooks, scanners."""

    allowed_networks: tuple[str, ...] = ()
    """Private networks that projects' webhooks, and what other registries redirect to, may reach (`10.1.0.0/16`). What
    an administrator sets up may always be in a private network; a machine's own link and a cloud's credential services
    are reached by nobody."""
    proxy: str = ""
    """`http://HOST:PORT` of a proxy for what is not in one's own networks. The environment's proxies are ignored."""


class ProxyCache(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Projects that mirror another registry."""

    tag_seconds: Annotated[int, Meta(ge=0, le=2_592_000)] = 60
    """For how long a tag is not looked up again at the other registry; a project may say otherwise."""
    fetches: Annotated[int, Meta(ge=1, le=1000)] = 16
    """Blobs that each process fetches at the same time; more wait for their turn."""


class Jobs(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Background work: garbage collection, retention, replication, webhooks."""

    beside: bool = True
    """Run it in a process beside the server; false: leave it to `moorage work`. On SQLite that process lives only
    while there is something to do."""
    slots: Annotated[int, Meta(ge=1, le=1000)] = 8
    """Tasks at once, in each process that runs them."""
    idle_seconds: Annotated[int, Meta(ge=1)] = 60
    """How long the process beside a server on SQLite stays when there is nothing to do."""


class Log(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is logged, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least level that is logged."""
    format: Literal["auto", "json", "text"] = "auto"
    """`auto`: text on a terminal, JSON elsewhere."""
    access: bool = True
    """Log each request."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole tree."""

    data: str = "data"
    """The data folder: database, blobs and keys, unless set elsewhere. Made with mode 0700 at first start."""
    listen: str = "127.0.0.1:8080"
    """Host and port. Docker trusts plain HTTP on 127.0.0.0/8 only."""
    workers: Annotated[int, Meta(ge=0, le=64)] = 0
    """Processes that serve; 0: one on SQLite, on PostgreSQL one per core up to 4."""
    tls_cert: str = ""
    """A certificate chain in PEM; with it `listen` speaks HTTPS only."""
    tls_key: str = ""
    """The certificate's key in PEM."""
    external_url: str = ""
    """The URL that clients use (`https://registry.example.com`). Empty: taken from each request."""
    https_only_seconds: Annotated[int, Meta(ge=0, le=63_072_000)] = 31_536_000
    """How long a browser that reached a name of this server by HTTPS uses nothing else for that name, on any port
    (`Strict-Transport-Security`); 0: as it likes. Not sent over plain HTTP, nor for `localhost`."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names that requests may use beside IP addresses, `localhost` and that of `external_url`."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose `X-Forwarded-*` headers are believed."""
    registry_auth: Literal["bearer", "basic"] = "bearer"
    """The challenge on /v2. `basic` is for clients that cannot fetch tokens; both credentials work either way."""
    admin_password: Secret = Secret()
    """The first administrator's password, used at the first start only. Or `admin_password_file`. Empty: generated."""
    config_overwrite: Secret = Secret()
    """Live settings that this server fixes, as a JSON object: `{"read_only": true}`. They cannot be changed through
    the API then; what was set before stays underneath and comes back without this. Or `config_overwrite_file`."""
    fault: str = ""
    """For tests only: a point at which this process dies (`moorage.failpoints`)."""
    database: Database = Database()
    """Where rows live."""
    storage: Storage = Storage()
    """Where blob bytes live."""
    tokens: Tokens = Tokens()
    """Registry tokens."""
    seals: Seals = Seals()
    """Sealing of secrets."""
    sessions: Sessions = Sessions()
    """Signed-in browsers."""
    uploads: Uploads = Uploads()
    """Uploads of blobs."""
    outgoing: Outgoing = Outgoing()
    """Requests to other systems."""
    proxy_cache: ProxyCache = ProxyCache()
    """Projects that mirror another registry."""
    jobs: Jobs = Jobs()
    """Background work."""
    log: Log = Log()
    """What is logged."""

    @property
    def overwrite(self) -> dict[str, object]:
        """The object in `config_overwrite`, which may hold secrets.

        Raises:
            ValueError: it is none.
        """
        try:
            value = json.loads(self.config_overwrite.reveal() or "{}")
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise ValueError('expected a JSON object, for example {"read_only": true}')  # noqa: TRY004 - of the text
        return value

    @property
    def data_folder(self) -> Path:
        """The data folder as an absolute path."""
        return Path(self.data).absolute()

    @property
    def database_url(self) -> str:
        """The URL of the database, with its password: the one that is set, or SQLite in the data folder."""
        if not self.database.url:
            return f"sqlite:///{self.data_folder / 'moorage.db'}"
        if not self.database.password:
            return self.database.url
        parts = urlsplit(self.database.url)
        user, _, host = parts.netloc.rpartition("@")
        login = f"{user.partition(':')[0]}:{quote(self.database.password.reveal(), safe='')}"
        return urlunsplit(parts._replace(netloc=f"{login}@{host}"))

    @property
    def sqlite_file(self) -> Path | None:
        """The file of the database; None on PostgreSQL."""
        if not self.database_url.startswith("sqlite"):
            return None
        return Path(self.database_url.partition(":///")[2]).absolute()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of `listen`; an IPv6 host without its brackets."""
        return split_listen(self.listen)

    @property
    def worker_count(self) -> int:
        """How many processes serve."""
        if self.workers:
            return self.workers
        return 1 if self.sqlite_file else min(os.cpu_count() or 1, 4)

    @property
    def storage_folder(self) -> Path:
        """The folder of the filesystem driver."""
        return Path(self.storage.path).absolute() if self.storage.path else self.data_folder / "storage"

    @property
    def arrivals_folder(self) -> Path:
        """Where proxy caches put what is on its way from other registries; all workers of a machine share it."""
        return self.data_folder / "arrivals"

    @property
    def token_key_folder(self) -> Path:
        """The folder of the signing keys."""
        return Path(self.tokens.key_folder or self.data_folder / "keys" / "token").absolute()

    @property
    def seal_key_folder(self) -> Path:
        """The folder of the sealing keys."""
        return Path(self.seals.key_folder or self.data_folder / "keys" / "seal").absolute()


# -- keys -------------------------------------------------------------------------------------------------

PREFIX = "MOORAGE_"


@dataclass(frozen=True, slots=True)
class Key:
    """A setting that can be given: the dotted name, its type, its default."""

    name: str
    type: Any  # whatever msgspec takes as a type
    default: object

    @property
    def secret(self) -> bool:
        """Whether the value is never shown."""
        return self.type is Secret

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.name.upper().replace(".", "__")


def list_keys(kind: type[msgspec.Struct] = Settings, prefix: str = "") -> Iterator[Key]:
    """Every setting, in the order in which the structs name them."""
    for field in msgspec.structs.fields(kind):
        name = prefix + field.name
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from list_keys(field.type, f"{name}.")
        else:
            yield Key(name, field.type, field.default)


def split_listen(listen: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT` or `[IPv6]:PORT`.

    Raises:
        ValueError: it is neither; the message says so.
    """
    host, _, port = listen.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError("an IPv6 address stands in brackets: [::1]:8080")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError("expected HOST:PORT, for example 127.0.0.1:8080")
    return host, int(port)


def shown(key: Key, value: object) -> object:
    """A value as it may be shown: secrets are `***`, also a password inside a URL."""
    if key.secret:
        return "***" if value else ""
    if isinstance(value, str):
        return shown_url(value)
    return list(value) if isinstance(value, tuple) else value


def shown_url(url: str) -> str:
    """A URL without the password that it may hold."""
    return re.sub(r"(://[^:/@]*):[^@/]*@", r"\1:***@", url)


def value_of(settings: Settings, name: str) -> object:
    """The value of a dotted key."""
    value: object = settings
    for part in name.split("."):
        value = getattr(value, part)
    return value
