"""Blobs in S3, or in what speaks its protocol."""

from datetime import timedelta
from typing import ClassVar, Self

from obstore.store import S3Store

from moorage import settings as boot
from moorage.storage.object_store import PART_BYTES, SEGMENT_BYTES, Objects

_TIMEOUT = timedelta(seconds=60)  # for one request
_RETRY = timedelta(seconds=30)  # how long a failing request is tried again before the client is told


class S3(Objects):
    """Keeps blobs in one bucket, which has to exist."""

    kind: ClassVar[str] = "s3"

    def __init__(self, settings: boot.S3, *, part_bytes: int = PART_BYTES, segment_bytes: int = SEGMENT_BYTES) -> None:
        optional = {
            "endpoint": settings.endpoint,
            "access_key_id": settings.access_key.reveal(),
            "secret_access_key": settings.secret_key.reveal(),
        }
        store = S3Store(
            settings.bucket,
            prefix=settings.prefix or None,
            region=settings.region,
            virtual_hosted_style_request=not settings.path_style,
            client_options={"allow_http": settings.endpoint.startswith("http://"), "timeout": _TIMEOUT},
            retry_config={"max_retries": 8, "retry_timeout": _RETRY},
            **{key: value for key, value in optional.items() if value},  # type: ignore[arg-type] # keys as above
        )
        super().__init__(store, part_bytes=part_bytes, segment_bytes=segment_bytes)

    @classmethod
    def from_settings(cls, settings: boot.Settings) -> Self:
        """The driver for the bucket that the settings name."""
        return cls(settings.storage.s3)


DRIVER = S3
