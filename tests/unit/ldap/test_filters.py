"""Search filters: text in, the encoded form out; values are only ever values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.ldap import ber, filters

A = filters.equals("a", "b")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("(a=b)", A),
        ("a=b", A),
        (" (a=b) ", A),
        ("(a=*)", filters.present("a")),
        ("(a=*b*)", filters.contains("a", "b")),
        ("(a=b\\2ac)", filters.equals("a", "b*c")),
        ("(a=\\28\\29\\5c\\00)", filters.equals("a", b"()\\\0")),
        ("(a=\u00e4)", filters.equals("a", "\u00e4")),
        ("(&(a=b)(c=d))", filters.every(A, filters.equals("c", "d"))),
        ("(| (a=b) (c=d) )", filters.some(A, filters.equals("c", "d"))),
        ("(!(a=b))", ber.sequence(A, tag=0xA2)),
        ("(&(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))",
         filters.every(filters.equals("objectClass", "user"),
                       ber.sequence(filters.by_rule("userAccountControl", "1.2.840.113556.1.4.803", "2"), tag=0xA2))),
        ("(a=b*c*d)", bytes.fromhex("a4 0e 04 01 61 30 09 80 01 62 81 01 63 82 01 64")),
        ("(a>=b)", bytes.fromhex("a5 06 04 01 61 04 01 62")),
        ("(a<=b)", bytes.fromhex("a6 06 04 01 61 04 01 62")),
        ("(a~=b)", bytes.fromhex("a8 06 04 01 61 04 01 62")),
        ("(a=)", filters.equals("a", "")),
    ],
)  # fmt: skip
def test_a_text_is_the_filter_that_it_says(text: str, meant: bytes) -> None:
    assert filters.parse(text) == meant


def test_an_example_of_the_document() -> None:
    """Source: RFC 4511, section 4.5.1: the choice equalityMatch is context tag 3."""
    assert bytes.fromhex("a3 06 04 01 61 04 01 62") == A


@pytest.mark.parametrize(
    "text",
    ["", " ", "(", ")", "()", "(a)", "(=b)", "(a=b", "a=b)", "(a=b))", "(a=b)(c=d)", "(&)", "(!(a=b)(c=d))", "(a=b\\2)",
     "(a=\\zz)", "(a=b(c)", "(a b=c)", "(a=\0)", "(**=b)", "(a=**)", "(:=b)", "(" * 40 + "a=b" + ")" * 40,
     "(!" * 40 + "(a=b)" + ")" * 40, "(a=" + "b" * 5000 + ")", "(a=\ud800)"],
)  # fmt: skip
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(filters.FilterInvalid):
        filters.parse(text)


@given(st.text())
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    try:
        encoded = filters.parse(text)
    except filters.FilterInvalid:
        return
    assert ber.read(encoded)[2] == len(encoded)


@given(st.binary())
def test_a_value_stays_a_value(value: bytes) -> None:
    _, content, _ = ber.read(filters.equals("uid", value))

    assert [part for _, part in ber.read_all(content)] == [b"uid", value]


@given(st.binary())
def test_any_bytes_are_elements_or_refused(data: bytes) -> None:
    try:
        parts = list(ber.read_all(data))
    except ber.Malformed:
        return
    assert sum(len(content) for _, content in parts) <= len(data)


@pytest.mark.parametrize("number", [0, 1, 127, 128, 255, 256, 2**31 - 1, 2**40])
def test_numbers_come_back(number: int) -> None:
    assert ber.read_integer(ber.read(ber.integer(number))[1]) == number


@pytest.mark.parametrize("size", [0, 127, 128, 255, 256, 65_535, 65_536])
def test_lengths_come_back(size: int) -> None:
    assert ber.read(ber.octets(b"x" * size)) == (ber.OCTETS, b"x" * size, len(ber.octets(b"x" * size)))
