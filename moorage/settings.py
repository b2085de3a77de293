"""Boot settings: one frozen tree, read once at start and passed down. Nothing reads the environment later."""

from pathlib import Path
from typing import Literal

import msgspec


class Secret(str):
    """A text that prints as `***`; `reveal` gives it out."""

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
    password: str = ""
    """The password for `url`, so that it need not stand in the URL. Or `password_file`."""
    pool_size: int = 10
    """Connections per process (PostgreSQL only)."""
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
    access_key: str = ""
    """The key id. Or `access_key_file`. Empty: the credentials of the machine."""
    secret_key: str = ""
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
    redirect_seconds: int = 600
    """How long such a URL works."""
    s3: S3 = S3()
    """The bucket."""


class Tokens(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Registry tokens."""

    lifetime_minutes: int = 30
    """How long a token works; 1 to 1440."""
    key_folder: str = ""
    """The folder of the signing keys, the newest signs; empty: `keys/token` in the data folder."""


class Uploads(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Uploads of blobs."""

    expiry_seconds: int = 86400
    """How long after its last byte an upload can be resumed."""
    open_limit: int = 1000
    """Open uploads per account; one more is 429."""
    lease_seconds: int = 14400
    """How long an unreferenced blob is kept after it was pushed, mounted or announced; at least 600."""
    idle_seconds: int = 60
    """How long a client may send nothing in the middle of a body."""


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
    workers: int = 0
    """Processes that serve; 0: one on SQLite, on PostgreSQL one per core up to 4."""
    tls_cert: str = ""
    """A certificate chain in PEM; with it `listen` speaks HTTPS only."""
    tls_key: str = ""
    """The certificate's key in PEM."""
    external_url: str = ""
    """The URL that clients use (`https://registry.example.com`). Empty: taken from each request."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names that requests may use beside IP addresses, `localhost` and that of `external_url`."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose `X-Forwarded-*` headers are believed."""
    registry_auth: Literal["bearer", "basic"] = "bearer"
    """The challenge on /v2. `basic` is for clients that cannot fetch tokens; both credentials work either way."""
    admin_password: str = ""
    """The first administrator's password, used at the first start only. Or `admin_password_file`. Empty: generated."""
    fault: str = ""
    """For tests only: a point at which this process dies (`moorage.faults`)."""
    database: Database = Database()
    """Where rows live."""
    storage: Storage = Storage()
    """Where blob bytes live."""
    tokens: Tokens = Tokens()
    """Registry tokens."""
    uploads: Uploads = Uploads()
    """Uploads of blobs."""
    log: Log = Log()
    """What is logged."""

    @property
    def data_folder(self) -> Path:
        """The data folder as an absolute path."""
        return Path(self.data).absolute()

    @property
    def database_url(self) -> str:
        """The URL of the database: the one that is set, or SQLite in the data folder."""
        return self.database.url or f"sqlite:///{self.data_folder / 'moorage.db'}"

    @property
    def storage_folder(self) -> Path:
        """The folder of the filesystem driver."""
        return Path(self.storage.path).absolute() if self.storage.path else self.data_folder / "storage"

    @property
    def token_key_folder(self) -> Path:
        """The folder of the signing keys."""
        return Path(self.tokens.key_folder).absolute() if self.tokens.key_folder else self.data_folder / "keys" / "token"
