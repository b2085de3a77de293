"""Requests that another site makes a browser send (threats.md B3, X3), and cookies."""

import pytest

from moorage.errors import CrossSite, CsrfTokenInvalid
from moorage.web.cookies import find_cookie
from moorage.web.csrf import check_csrf

ORIGIN = "https://registry.test"
HOST = {b"host": b"registry.test"}
TOKEN = {b"x-harbor-csrf-token": b"t0ken"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "FOO"])
@pytest.mark.parametrize(
    "headers",
    [{}, {b"x-harbor-csrf-token": b""}, {b"x-harbor-csrf-token": b"t0ke"}, {b"x-harbor-csrf-token": "t0kén".encode()}],
    ids=["none", "empty", "wrong", "not ASCII"],
)
def test_a_change_with_a_session_needs_its_token(method: str, headers: dict[bytes, bytes]) -> None:
    with pytest.raises(CsrfTokenInvalid) as caught:
        check_csrf(method, {**HOST, **headers}, ORIGIN, "t0ken")

    assert caught.value.status == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_right_token_passes(method: str) -> None:
    check_csrf(method, {**HOST, **TOKEN}, ORIGIN, "t0ken")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_needs_none(method: str) -> None:
    check_csrf(method, {**HOST, b"sec-fetch-site": b"cross-site"}, ORIGIN, "t0ken")


FOREIGN = [
    {b"origin": b"https://evil.example"}, {b"origin": b"null"}, {b"origin": b""}, {b"origin": b"https://"},
    {b"origin": b"https://registry.test.evil.example"}, {b"origin": b"https://registry.test:8443"},
    {b"origin": b"https://evil@registry.test"}, {b"origin": b"registry.test"},
    {b"sec-fetch-site": b"cross-site"}, {b"sec-fetch-site": b"same-site"}, {b"sec-fetch-site": b"nonsense"},
    {b"sec-fetch-site": b"cross-site", b"origin": b"https://registry.test"},
]  # fmt: skip


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("token", ["t0ken", None], ids=["session", "other credential"])
def test_a_change_from_another_site_is_refused_whatever_the_credential(
    headers: dict[bytes, bytes], token: str | None
) -> None:
    with pytest.raises(CrossSite):
        check_csrf("POST", {**HOST, **TOKEN, **headers}, ORIGIN, token)


OURS = [
    {}, {b"origin": b"https://registry.test"}, {b"origin": b"http://registry.test"}, {b"origin": b"HTTPS://Registry.Test"},
    {b"sec-fetch-site": b"same-origin"}, {b"sec-fetch-site": b"none"},
    {b"sec-fetch-site": b"same-origin", b"origin": b"https://behind.a.proxy"},
]  # fmt: skip


@pytest.mark.parametrize("headers", OURS, ids=str)
def test_our_own_page_and_programs_pass(headers: dict[bytes, bytes]) -> None:
    check_csrf("POST", {**HOST, **headers}, ORIGIN, None)


def test_the_external_url_counts_as_ours() -> None:
    check_csrf("POST", {b"host": b"10.0.0.1:8080", b"origin": b"https://registry.test"}, ORIGIN, None)


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        (["sid=a"], "a"), (["x=1; sid=a; y=2"], "a"), (["x=1", "sid=a", "y=2"], "a"), (["sid=a=b"], "a=b"),
        (["sid=a; sid=a"], "a"), (["sid=a; sid=b"], None), (["sid=a", "sid=b"], None), (["xsid=a"], None),
        (["sid"], None), ([""], None), ([], None), (["sid="], ""), (["SID=a"], None),
    ],
)  # fmt: skip
def test_a_cookie_is_found(lines: list[str], value: str | None) -> None:
    headers = [(b"accept", b"sid=no"), *((b"cookie", line.encode()) for line in lines)]

    assert find_cookie(headers, "sid") == value
