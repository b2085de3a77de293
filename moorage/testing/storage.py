"""The suite that every storage driver passes: each sentence of the `Storage` protocol is a test of it."""

from moorage.testing.storage_objects import ObjectPromises
from moorage.testing.storage_uploads import UploadPromises


class StorageContract(ObjectPromises, UploadPromises):
    """All promises. Give it a fixture `storage` that is open and empty, and `another` that sees the same bytes."""
