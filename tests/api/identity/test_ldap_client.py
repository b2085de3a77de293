"""A directory that answers nonsense, too much, or something that nobody asked for (threats.md I4)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from moorage.ldap import ber, filters
from moorage.ldap.client import Connection, DirectoryUrlInvalid, NotReached, Refused, Server, Steps, parse_url

OK = ber.sequence(ber.integer(0, ber.ENUMERATED), ber.octets(""), ber.octets(""), tag=0x61)
DONE = ber.sequence(ber.integer(0, ber.ENUMERATED), ber.octets(""), ber.octets(""), tag=0x65)
TLS_OK = ber.sequence(ber.integer(0, ber.ENUMERATED), ber.octets(""), ber.octets(""), tag=0x78)


def message(number: int, content: bytes) -> bytes:
    return ber.sequence(ber.integer(number), content)


@contextlib.asynccontextmanager
async def serving(*answers: bytes) -> AsyncIterator[Server]:
    """Something that answers each thing it hears with the next of `answers`, and then hangs up."""
    ended: list[asyncio.Event] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended.append(asyncio.Event())
        with contextlib.suppress(ConnectionError):
            for answer in answers:
                await reader.read(10_000)
                writer.write(answer)
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        ended[-1].set()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield Server("127.0.0.1", listening.sockets[0].getsockname()[1], "")
    for one in ended:
        await one.wait()


Ask = Callable[[Connection], Awaitable[object]]


def bind(connection: Connection) -> Awaitable[object]:
    return connection.bind("cn=a", "b")


def search(connection: Connection) -> Awaitable[object]:
    return connection.search("dc=x", 2, filters.present("a"), ["a"], limit=10)


async def ask(server: Server, question: Ask) -> object:
    async with asyncio.timeout(5):
        connection = await Connection.open(server, Steps())
        try:
            return await question(connection)
        finally:
            connection.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x30", b"\x30\x80", b"\x30\x85\x01\x01\x01\x01\x01", b"\x30\x00",
        b"\x30\x84\x7f\xff\xff\xff", b"\x30\x03\x02\x01\x01", message(1, b"\x61\x00"),
        message(1, b"\x61\x03\x0a\x01\x00"), b"\x30\x02\x04\x00", message(1, ber.sequence(ber.octets("x"), tag=0x61)),
        message(7, OK),  # the answer to another question is none
        message(0, TLS_OK),  # a notice of disconnection
    ],
)  # fmt: skip
@pytest.mark.parametrize("question", [bind, search])
async def test_nonsense_is_an_outage(answer: bytes, question: Ask) -> None:
    async with serving(answer) as server:
        with pytest.raises(NotReached):
            await ask(server, question)


async def test_what_comes_before_the_answer_is_passed_over() -> None:
    async with serving(message(9, OK) + message(1, OK)) as server:
        await ask(server, bind)


async def test_an_entry_without_an_answer_to_a_bind_is_no_yes() -> None:
    entry = ber.sequence(ber.octets("cn=a"), ber.sequence(), tag=0x64)
    async with serving(message(1, entry)) as server:
        with pytest.raises(NotReached):
            await ask(server, bind)


async def test_too_much_ends_the_conversation() -> None:
    entry = message(1, ber.sequence(ber.octets("cn=a"), ber.octets(b"x" * 1_000_000, 0x30), tag=0x64))
    async with serving(entry * 40) as server:
        with pytest.raises(NotReached):
            await ask(server, search)


async def test_no_name_is_bound_without_a_password() -> None:
    async with serving(message(1, OK)) as server:
        with pytest.raises(ValueError, match="cn=a"):
            await ask(server, lambda connection: connection.bind("cn=a", ""))


async def test_what_is_sent_in_the_clear_behind_the_yes_to_tls_is_not_believed() -> None:
    async with serving(message(1, TLS_OK) + message(2, OK)) as server:
        with pytest.raises(NotReached, match="more before TLS"):
            await ask(Server(server.host, server.port, "start_tls", verify=False), bind)


async def test_a_no_to_tls_is_no_way_to_go_on() -> None:
    no = ber.sequence(ber.integer(2, ber.ENUMERATED), ber.octets(""), ber.octets("not here"), tag=0x78)
    async with serving(message(1, no), message(2, OK)) as server:
        with pytest.raises(NotReached, match="refuses StartTLS: result code 2: not here"):
            await ask(Server(server.host, server.port, "start_tls", verify=False), bind)


async def test_a_referral_is_told_and_not_followed() -> None:
    async with serving(b"") as elsewhere:
        url = f"ldap://{elsewhere.host}:{elsewhere.port}/"
        referral = ber.sequence(ber.octets(url), tag=0xA3)
        answer = ber.sequence(ber.integer(10, ber.ENUMERATED), ber.octets(""), ber.octets("go"), referral, tag=0x61)
        async with serving(message(1, answer)) as server:
            with pytest.raises(Refused, match="result code 10: go"):
                await ask(server, bind)


async def test_references_among_entries_are_left_out() -> None:
    reference = ber.sequence(ber.octets("ldap://127.0.0.1:1/dc=y"), tag=0x73)
    values = ber.sequence(ber.octets("A;binary"), ber.element(ber.SET, ber.octets("v") + ber.octets(b"\xff")))
    entry = ber.sequence(ber.octets("cn=a"), ber.sequence(values), tag=0x64)
    async with serving(message(1, reference) + message(1, entry) + message(1, DONE)) as server:
        found = await ask(server, search)

    assert isinstance(found, list)
    (one,) = found
    assert (one.dn, one.attributes["a"], one.texts("A"), one.text("b")) == ("cn=a", [b"v", b"\xff"], ["v"], "")


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("ldap://h", ("ldap", "h", 389)), ("ldaps://h/", ("ldaps", "h", 636)),
        ("LDAP://H.example:1389", ("ldap", "h.example", 1389)),
        ("ldap://[::1]:390", ("ldap", "::1", 390)), ("ldaps://127.0.0.1", ("ldaps", "127.0.0.1", 636)),
    ],
)  # fmt: skip
def test_addresses(url: str, meant: tuple[str, str, int]) -> None:
    assert parse_url(url) == meant


@pytest.mark.parametrize(
    "url",
    ["", "h", "http://h", "ldapi://%2ftmp", "ldap://", "ldap://u@h", "ldap://u:p@h", "ldap://h/dc=x", "ldap://h?x",
     "ldap://h#x", "ldap://h:0", "ldap://h:99999", "ldap://h:x", "ldap://a b", "ldap://h\r\nx", "ldap://-h", "ldap://[::1"],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(DirectoryUrlInvalid):
        parse_url(url)
