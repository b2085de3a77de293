"""Blobs in very many pieces: the server asks for several of them ahead, and they come in their order."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

from tests import serving
from tests.faults.invariants import check
from tests.faults.place import Place
from tests.faults.registry import Client, digest_of, some_bytes

HERE = "team/app"
AT_ONCE = 4
BLOB_BYTES = 8 * 1024 * 1024
CHUNK_BYTES = 4096


async def stream(client: Client, url: str, location: str, data: bytes) -> bytes:
    """PATCH in chunks, as fast as the server takes them; the head of the answer."""
    place = urlsplit(url)
    assert place.hostname
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    head = [
        f"PATCH {location} HTTP/1.1", f"Host: {place.netloc}", f"Authorization: Bearer {await client.token(HERE)}",
        "Transfer-Encoding: chunked", "Content-Type: application/octet-stream", "Connection: close", "", "",
    ]  # fmt: skip
    writer.write("\r\n".join(head).encode())
    chunks = (data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES))
    writer.write(b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer


async def test_pieces_of_several_blobs_come_in_their_order(tmp_path: Path) -> None:
    """A piece out of its place would be another digest."""
    blobs = [some_bytes(BLOB_BYTES + number) for number in range(AT_ONCE)]
    with serving.serve(tmp_path / "data", settings={"log.level": "warning"}) as moorage:
        moorage.create_project("team")
        place = Place(tmp_path / "data")
        async with place.visit(moorage.url, moorage.admin) as client:

            async def push(data: bytes) -> None:
                opened = await client.start(HERE)
                answer = (await stream(client, moorage.url, opened.location, data)).decode()
                assert answer.startswith("HTTP/1.1 202 "), answer
                headers = dict(line.split(": ", 1) for line in answer.split("\r\n") if ": " in line)
                assert headers["range"] == f"0-{len(data) - 1}"
                closed = await client.close(headers["location"], digest_of(data))
                assert closed.status == 201, closed

            await client.token(HERE)
            await asyncio.gather(*map(push, blobs))
            for data in blobs:
                assert (await client.get_blob(HERE, digest_of(data))).body == data
    check(place.url, place.storage)
