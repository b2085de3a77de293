"""A worker that copies one artifact into the folder of a server, and may be told where to die."""

import asyncio
import json
import sys

from moorage import failpoints
from moorage.artifacts.local_registry import Local
from moorage.blobs.blob_integrity import OwnShelf
from moorage.events import SYSTEM
from moorage.remotes.artifact_copy import copy_artifact
from moorage.remotes.http_client import Outgoing
from moorage.remotes.registry_client import open_client
from moorage.remotes.registry_connection import Endpoint
from moorage.settings import Secret, Settings
from moorage.storage.drivers import open_storage
from moorage.wiring import open_database


async def copy(told: dict[str, str]) -> None:
    """Copy as standard input tells: `data`, `url`, `username`, `password`, `repository`, `to`, `fault`."""
    if told["fault"]:
        failpoints.arm(told["fault"])
    settings = Settings(data=told["data"])
    database, storage = open_database(settings), open_storage(settings)
    await storage.open()
    endpoint = Endpoint(url=told["url"], username=told["username"], password=Secret(told["password"]))
    async with open_client(Outgoing(), endpoint) as remote:
        local = Local(OwnShelf(settings, database, storage), SYSTEM)
        await copy_artifact(remote, told["repository"], "v1", local, told["to"], tags=["v1"])
    await storage.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(copy(json.load(sys.stdin)))
