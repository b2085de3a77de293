"""The driver that the settings name."""

from moorage.settings import Settings
from moorage.storage.base import Storage


def open_storage(settings: Settings) -> Storage:
    """The storage of these settings, not opened yet. Only the driver in use is imported."""
    kind = settings.storage.kind
    if kind == "filesystem":
        from moorage.storage import filesystem  # noqa: PLC0415 - only the driver in use

        return filesystem.Filesystem(settings.storage_folder)
    if kind == "s3":
        from moorage.storage import s3  # noqa: PLC0415 - as above

        return s3.S3(settings.storage.s3)
    from moorage.storage import memory  # noqa: PLC0415 - as above

    return memory.Memory()
