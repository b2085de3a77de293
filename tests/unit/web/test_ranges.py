"""Ranges of reads and of uploads, and the conditions of requests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.errors import RangeInvalid, SizeInvalid, UploadInvalid
from moorage.web.ranges import etag_matches, if_range_matches, parse_content_range, parse_range, require_length

DIGEST = "sha256:" + "ab" * 32
ETAG = f'"{DIGEST}"'


# -- Range ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=500-1499", slice(500, 1500)),
        ("bytes=500-", slice(500, 2048)),
        ("bytes=-500", slice(1548, 2048)),
        ("bytes=2000-5000", slice(2000, 2048)),
        ("bytes=0-0", slice(0, 1)),
        ("bytes=0-", slice(0, 2048)),
        ("bytes=2047-", slice(2047, 2048)),
        ("bytes=-5000", slice(0, 2048)),
        ("Bytes=1-2", slice(1, 3)),
        ("bytes= 1-2 ", slice(1, 3)),
        ("bytes=0-" + "9" * 200, slice(0, 2048)),
    ],
)
def test_a_single_range_is_half_open_and_ends_with_the_content(header: str, expected: slice) -> None:
    assert parse_range(header, 2048) == expected


@pytest.mark.parametrize(
    "header", ["bytes=500-0", "bytes=5000-10000", "bytes=-0", "bytes=2048-", "bytes=" + "9" * 200 + "-"]
)
def test_a_range_outside_the_content_is_416_and_tells_the_size(header: str) -> None:
    with pytest.raises(RangeInvalid) as caught:
        parse_range(header, 2048)
    assert caught.value.status == 416
    assert caught.value.headers == {"Content-Range": "bytes */2048"}


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=0-0", "bytes=-1", "bytes=-0"])
def test_empty_content_has_no_range(header: str) -> None:
    with pytest.raises(RangeInvalid) as caught:
        parse_range(header, 0)
    assert caught.value.headers == {"Content-Range": "bytes */0"}


@pytest.mark.parametrize(
    "header",
    [
        None, "", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=0-1,3-4", "bytes=,0-1", "items=0-1", "0-1",
        "bytes 0-1", "bytes=0 - 1", "bytes=+0-1", "bytes=0-1\n", "bytes=--1", "bytes=٣-٤", "bytes=0-" + "1" * 250,
    ],
)  # fmt: skip
def test_what_is_no_single_range_of_bytes_is_ignored(header: str | None) -> None:
    assert parse_range(header, 2048) is None


@given(st.text(max_size=300) | st.from_regex(r"bytes=[0-9]{0,5}-[0-9]{0,5}", fullmatch=True), st.integers(0, 5000))
def test_a_range_lies_within_the_content_or_is_a_problem(header: str, size: int) -> None:
    try:
        span = parse_range(header, size)
    except RangeInvalid:
        return
    assert span is None or 0 <= span.start < span.stop <= size


# -- Content-Range of a chunk -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "expected"),
    [("0-511", (0, 512)), ("512-512", (512, 513)), ("0-9223372036854775806", (0, 2**63 - 1))],
)
def test_a_chunk_is_half_open(header: str, expected: tuple[int, int]) -> None:
    assert parse_content_range(header) == expected


@pytest.mark.parametrize(
    "header",
    [
        "", "-", "0-", "-5", "9-0", "bytes 0-9/10", "bytes=0-9", "0-9/10", "0 - 9", " 0-9", "0-9 ", "0-9\n",
        "0-9, 0-9", "0-99999999999999999999", "0-9223372036854775807", "00-9", "0-09", "+0-9", "0x0-0x9", "0-9-10",
        "0-9,10-19", "\u0660-\u0669", "1" * 100_000,
    ],
)  # fmt: skip
def test_a_chunk_range_of_another_form_is_400(header: str) -> None:
    with pytest.raises(UploadInvalid) as caught:
        parse_content_range(header)
    assert (caught.value.status, caught.value.oci_code) == (400, "BLOB_UPLOAD_INVALID")


@given(st.integers(0, 2**63 - 2), st.integers(1, 2**40))
def test_a_chunk_range_comes_back_as_it_was(start: int, length: int) -> None:
    stop = min(start + length, 2**63 - 1)
    assert parse_content_range(f"{start}-{stop - 1}") == (start, stop)


@pytest.mark.parametrize("received", [0, 5, 9, 11])
def test_a_chunk_of_another_length_than_its_range_is_refused(received: int) -> None:
    require_length((0, 10), 10)
    with pytest.raises(SizeInvalid) as caught:
        require_length((0, 10), received)
    assert (caught.value.status, caught.value.oci_code) == (400, "SIZE_INVALID")


# -- conditions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [ETAG, DIGEST, f'"x", {ETAG}', f'{ETAG},"x"', "*", f" {ETAG} "])
@pytest.mark.parametrize("weak", [True, False])
@pytest.mark.parametrize("etag", [ETAG, DIGEST])
def test_the_contents_own_tag_matches_quoted_or_not(header: str, weak: bool, etag: str) -> None:
    assert etag_matches(header, etag, weak=weak)


@pytest.mark.parametrize("header", ["", '""', '"x"', '"', "W/", f'"{DIGEST}', f"{DIGEST}0", f'w/"{DIGEST}"', '"*"'])
@pytest.mark.parametrize("weak", [True, False])
def test_another_tag_does_not_match(header: str, weak: bool) -> None:
    assert not etag_matches(header, ETAG, weak=weak)


def test_a_weak_tag_matches_only_where_weakness_makes_no_difference() -> None:
    assert etag_matches(f"W/{ETAG}", ETAG, weak=True)
    assert not etag_matches(f"W/{ETAG}", ETAG, weak=False)


@pytest.mark.parametrize("header", ["*", ETAG])
def test_nothing_matches_what_is_not_there(header: str) -> None:
    assert not etag_matches(header, None, weak=True)


@pytest.mark.parametrize(
    ("header", "honoured"),
    [
        (None, True), (ETAG, True), (DIGEST, True), (f"W/{ETAG}", False), ('"old"', False), ("*", False),
        ("Sat, 29 Oct 1994 19:43:31 GMT", False), (f'{ETAG}, "x"', False),
    ],
)  # fmt: skip
def test_a_range_is_honoured_only_for_the_content_the_client_has(header: str | None, honoured: bool) -> None:
    assert if_range_matches(header, ETAG) is honoured
