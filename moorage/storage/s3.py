"""Blobs in S3, or in what speaks its protocol."""

from datetime import timedelta
from typing import ClassVar

import msgspec
from obstore.store import S3Store

from moorage.storage.objects import PART_BYTES, SEGMENT_BYTES, Objects


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the bucket is.

    Attributes:
        bucket: its name; it has to exist.
        region: as the store knows itself.
        endpoint: the URL of a store that is not Amazon's; such a store is addressed by path.
        access_key_id: with `secret_access_key`; empty: the environment, a profile or the machine's own role.
        secret_access_key: see `access_key_id`.
        prefix: put in front of every name, so that a bucket can be shared.
        timeout_seconds: for one request.
        retry_seconds: how long a failing request is tried again before the client is told.
    """

    bucket: str
    region: str = "us-east-1"
    endpoint: str = ""
    access_key_id: str = ""
    secret_access_key: str = ""
    prefix: str = ""
    timeout_seconds: int = 60
    retry_seconds: int = 30


class S3(Objects):
    """Keeps blobs in one bucket."""

    kind: ClassVar[str] = "s3"

    def __init__(self, settings: Settings, *, part_bytes: int = PART_BYTES, segment_bytes: int = SEGMENT_BYTES) -> None:
        optional = {
            "endpoint": settings.endpoint,
            "access_key_id": settings.access_key_id,
            "secret_access_key": settings.secret_access_key,
        }
        store = S3Store(
            settings.bucket,
            prefix=settings.prefix or None,
            region=settings.region,
            virtual_hosted_style_request=not settings.endpoint,
            client_options={
                "allow_http": settings.endpoint.startswith("http://"),
                "timeout": timedelta(seconds=settings.timeout_seconds),
            },
            retry_config={"max_retries": 8, "retry_timeout": timedelta(seconds=settings.retry_seconds)},
            **{key: value for key, value in optional.items() if value},  # type: ignore[arg-type] # keys as above
        )
        super().__init__(store, part_bytes=part_bytes, segment_bytes=segment_bytes)


DRIVER = S3
