"""Where an outgoing request may go (threats.md B3, S1 and S2)."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.errors import TargetRefused
from moorage.remotes.address_policy import Guard, Target, embedded, is_forbidden, parse_target

NOBODY = [
    "0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.170.2", "224.0.0.1", "255.255.255.255", "240.0.0.1",  # noqa: S104 - a value
    "100.100.100.200", "168.63.129.16", "192.0.0.192", "::", "fe80::1", "ff02::1", "fd00:ec2::254", "fd20:ce::254",
    "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::169.254.169.254", "::ffff:0.0.0.0",
]  # fmt: skip
SYSTEM_ONLY = [
    "127.0.0.1", "127.255.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "192.0.2.1",
    "198.18.0.1", "::1", "fc00::1", "fdff::1", "fec0::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::1", "::127.0.0.1", "2001:0:4136:e378:8000:63bf:80ff:fffe",
]  # fmt: skip
EVERYBODY = [
    "1.1.1.1",
    "172.15.0.1",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]


@pytest.mark.parametrize(
    ("address", "system", "project"),
    [
        *((address, False, False) for address in NOBODY),
        *((address, True, False) for address in SYSTEM_ONLY),
        *((address, True, True) for address in EVERYBODY),
    ],
)
def test_s2_each_trust_reaches_its_addresses(address: str, system: bool, project: bool) -> None:
    guard = Guard()

    assert guard.is_allowed(ip_address(address), 443, "system") is system
    assert guard.is_allowed(ip_address(address), 443, "project") is project


def test_a_listed_network_is_reached_by_projects_on_every_port_and_forbidden_addresses_stay_so() -> None:
    guard = Guard(["10.1.0.0/16", "fd00::/8", "169.254.0.0/16", "0.0.0.0/0"])

    assert guard.is_allowed(ip_address("10.1.2.3"), 6379, "project")
    assert guard.is_allowed(ip_address("::ffff:10.1.2.3"), 443, "project")
    assert guard.is_allowed(ip_address("fd12::1"), 443, "project")
    for address in NOBODY:
        assert not guard.is_allowed(ip_address(address), 443, "project")
        assert not guard.is_allowed(ip_address(address), 443, "system")


@pytest.mark.parametrize("port", [22, 25, 5432, 6379, 11211])
def test_s2_a_project_reaches_no_port_of_another_protocol(port: int) -> None:
    assert not Guard().is_allowed(ip_address("1.1.1.1"), port, "project")
    assert Guard().is_allowed(ip_address("1.1.1.1"), port, "system")


def test_one_bad_address_of_a_name_is_enough_to_refuse_it() -> None:
    with pytest.raises(TargetRefused):
        Guard().check([ip_address("1.1.1.1"), ip_address("10.0.0.1")], 443, "project")


@given(st.ip_addresses(v=4))
def test_an_address_in_another_form_is_treated_as_what_it_is(address: object) -> None:
    plain = ip_address(str(address))
    number = int(plain)
    forms = [
        ip_address(f"::ffff:{plain}"), ip_address((0x64FF9B << 96) + number),
        ip_address((0x2002 << 112) + (number << 80)), *([ip_address(number)] if number > 1 else []),
    ]  # fmt: skip

    for form in forms:
        form = form if form.version == 6 else ip_address(f"::{plain}")  # noqa: PLW2901
        assert embedded(form) == plain
        assert Guard().is_allowed(form, 443, "project") <= Guard().is_allowed(plain, 443, "project")
        assert not (is_forbidden(plain) and Guard().is_allowed(form, 443, "system"))


# -- URLs ----

READ = [
    ("http://Registry.Example", Target("http", "registry.example", 80, "/")),
    ("https://registry.example:8443/v2/?n=1#x", Target("https", "registry.example", 8443, "/v2/?n=1")),
    ("https://[2606:4700::0:1111]/a", Target("https", "2606:4700::1111", 443, "/a")),
    ("http://127.1/", Target("http", "127.0.0.1", 80, "/")),
    ("http://2130706433/", Target("http", "127.0.0.1", 80, "/")),
    ("http://0x7f.1/", Target("http", "127.0.0.1", 80, "/")),
    ("http://0177.0.0.1/", Target("http", "127.0.0.1", 80, "/")),
    ("http://0/", Target("http", "0.0.0.0", 80, "/")),  # noqa: S104 - a value
    ("http://127.0.0.1./", Target("http", "127.0.0.1", 80, "/")),
    ("http://[::ffff:127.0.0.1]/", Target("http", "::ffff:7f00:1", 80, "/")),
    ("http://ok.example#@127.0.0.1/", Target("http", "ok.example", 80, "/")),
    ("http://ok.example?@127.0.0.1", Target("http", "ok.example", 80, "/?@127.0.0.1")),
    ("HTTPS://my_host.example", Target("https", "my_host.example", 443, "/")),
]


@pytest.mark.parametrize(("url", "target"), READ, ids=lambda value: str(value)[:40])
def test_a_url_is_read_in_one_way(url: str, target: Target) -> None:
    assert parse_target(url) == target


REFUSED = [
    "", "registry.example", "//registry.example", "file:///etc/passwd", "gopher://a.example", "ftp://a.example",
    "dict://a.example", "unix:///run/docker.sock", "ldap://a.example", "javascript:alert(1)", "http://", "http:///path",
    "http:a.example", "http://user@127.0.0.1", "http://user:pass@a.example", "http://a.example:pass@b.example",
    "http://a.example:0", "http://a.example:", "http://a.example:65536", "http://a.example:http", "http://a.example:-1",
    "http://a b.example", "http://a.example\r\nX: y", "http://a.example/\n", "http://a.example\\@127.0.0.1",
    "http://127。0。0。1", "http://ex%61mple.example", "http://a.example%00.b.example", "http://fe80::1",
    "http://[fe80::1%25eth0]", "http://[fe80::1%eth0]", "http://[::1", "http://[127.0.0.1]", "http://256.1.1.1",
    "http://1.2.3.4.5", "http://0x100000000", "http://-a.example", "http://a..example", "http://" + "a" * 254,
    "http://a.example/" + "x" * 4096, "http://*.example", "http://a.example,b.example",
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED, ids=lambda url: ascii(url)[:40])
def test_s2_what_is_no_plain_web_address_is_refused(url: str) -> None:
    with pytest.raises(TargetRefused) as refused:
        parse_target(url)

    assert refused.value.status == 400
    assert refused.value.detail == {}


@given(st.text(st.characters(min_codepoint=32, max_codepoint=127), max_size=30))
def test_whatever_is_accepted_reads_the_same_when_it_is_written_again(rest: str) -> None:
    try:
        target = parse_target(f"http://{rest}")
    except TargetRefused:
        return
    assert parse_target(str(target)) == target
