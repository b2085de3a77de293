"""Open the storage driver that the settings name."""

import importlib

from moorage.settings import Settings
from moorage.storage.base import Storage


def open_storage(settings: Settings) -> Storage:
    """The storage of these settings, not opened yet. Only the driver in use is imported: obstore is large."""
    driver: Storage = importlib.import_module(f"moorage.storage.{settings.storage.kind}").DRIVER.from_settings(settings)
    return driver
