"""Find the driver that the settings name."""

import importlib

from moorage.settings import Settings
from moorage.storage.base import Storage


def make_storage(settings: Settings) -> Storage:
    """The driver that `storage.kind` names, not opened yet. Its module is imported only now: obstore is large."""
    driver: Storage = importlib.import_module(f"moorage.storage.{settings.storage.kind}").DRIVER.from_settings(settings)
    return driver
