"""The port of a server that is about to start."""

import socket
import threading
import time

import pytest

from moorage.cli.listen_address import Place, reserve
from moorage.settings import Settings


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "0.0.0.0:0"])
def test_it_is_ready_when_connections_are_taken_and_not_before(listen: str) -> None:
    place = reserve(Settings(listen=listen))
    began = time.monotonic()
    timer = threading.Timer(0.3, _listen, [place])
    timer.start()

    place.await_connections()

    took = time.monotonic() - began
    timer.join()
    place.keeper.close()
    assert took >= 0.3


def _listen(place: Place) -> None:
    place.keeper.listen()


def test_a_port_where_nobody_listens_is_not_waited_for_for_ever() -> None:
    place = reserve(Settings(listen="127.0.0.1:0"))
    began = time.monotonic()

    place.await_connections(0.2)

    place.keeper.close()
    assert 0.2 <= time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("host", "bound", "near"),
    [
        ("127.0.0.1", "127.0.0.1:8080", "127.0.0.1:8080"),
        ("0.0.0.0", "0.0.0.0:8080", "127.0.0.1:8080"),  # noqa: S104 - shown, not bound
        ("::1", "[::1]:8080", "[::1]:8080"),
        ("::", "[::]:8080", "[::1]:8080"),
    ],
)
def test_an_address_is_shown_as_it_is_set_and_as_it_is_reached(host: str, bound: str, near: str) -> None:
    with socket.socket() as keeper:
        place = Place(host, 8080, keeper)

    assert (place.bound, place.authority) == (bound, near)
    assert Settings(listen=place.bound).address == (host, 8080)
