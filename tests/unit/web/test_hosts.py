"""Which hosts are this server, and which of them is its main one."""

from typing import Any

import pytest

from moorage.errors import HostInvalid
from moorage.web.request import Hosts, Request, split_host


def request(host: str) -> Request:
    """A request that came to a host."""
    scope: dict[str, Any] = {
        "method": "GET", "raw_path": b"/v2/", "query_string": b"", "scheme": "http", "client": ("192.0.2.1", 1),
        "headers": [(b"host", host.encode("latin-1"))],
    }  # fmt: skip
    return Request(scope, None, "id", dict(scope["headers"]))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Hub.Test", ("hub.test", "")), ("hub.test:5000", ("hub.test", "5000")), ("[::1]:80", ("::1", "80")),
        ("[::1]", ("::1", "")), ("", ("", "")), (":80", ("", "80")), ("a:b", ("", "")), ("a/b", ("", "")),
        ("[::1", ("", "")), ("a" * 256, ("", "")), ("h\u00fcb", ("", "")),
    ],
)  # fmt: skip
def test_a_host_is_a_name_and_a_port(text: str, parts: tuple[str, str]) -> None:
    assert split_host(text) == parts


@pytest.mark.parametrize(
    ("url", "name", "main"),
    [
        ("https://r.test", "10.0.0.1", True), ("", "10.0.0.1", True), ("", "10.0.0.1:8081", True), ("", ":8081", True),
        ("", "10.0.0.1:5000", False), ("", "10.0.0.2", False),
        ("https://r.test", "r.test", True), ("https://r.test", "r.test:443", True), ("https://r.test", ":443", True),
        ("https://r.test", "r.test:5000", False), ("https://r.test", ":5000", False), ("https://r.test", "x", False),
        ("https://r.test:5000/", ":5000", True), ("http://r.test", ":80", True), ("http://r.test", ":443", False),
        ("", ":8080", True), ("", ":5001", False), ("", "r.test", False),
    ],
)  # fmt: skip
def test_the_main_host_is_where_clients_find_the_server(url: str, name: str, *, main: bool) -> None:
    hosts, asked = Hosts(url, (), (), port=8080), request("10.0.0.1:8081")
    hosts.settle(asked)
    assert hosts.is_main(name, asked) is main


def test_what_was_learned_is_answered_for_until_something_else_is_learned() -> None:
    hosts = Hosts("https://r.test", ("also.test",), ())
    hosts.learn(["hub.test"])
    asked = request("HUB.test:5000")
    hosts.settle(asked)
    assert (asked.host, asked.origin) == ("HUB.test:5000", "https://r.test")
    assert hosts.is_own("hub.test:5000", asked)
    assert hosts.is_own("also.test", asked)
    assert hosts.is_own("r.test:443", asked)
    assert not hosts.is_own("hub.test", asked)
    assert not hosts.is_own("localhost", asked)

    hosts.learn([])

    with pytest.raises(HostInvalid):
        hosts.settle(request("hub.test:5000"))
