"""The context that all handlers of /v2 share, made once per process by `app.py`."""

from dataclasses import dataclass

from moorage.artifacts.pull_log import PullNotes
from moorage.configuration.cached_settings import Live
from moorage.db.engine import Database
from moorage.distribution.auth import Gate
from moorage.mirrors.live import Mirrors
from moorage.proxycache.proxy_cache import ProxyCache
from moorage.settings import Settings
from moorage.storage.base import Storage
from moorage.web.metrics import Metrics
from moorage.webhooks.refused_pushes import RefusedPushes


@dataclass(frozen=True, slots=True)
class Plane:
    """The parts that a handler of the data plane needs.

    Attributes:
        live: the live settings; here only `current`, which costs nothing.
        has_files: whether blobs are files of this machine, so that a look at one costs nothing.
    """

    settings: Settings
    database: Database
    storage: Storage
    gate: Gate
    metrics: Metrics
    pulls: PullNotes
    has_files: bool
    live: Live
    mirrors: Mirrors
    proxy_cache: ProxyCache
    refused: RefusedPushes
