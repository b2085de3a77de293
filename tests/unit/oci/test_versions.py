"""Versions in tags, and the text that orders them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.oci.names import parse_tag
from moorage.oci.versions import find_version, order_key

_number = st.integers(0, 10**30).map(str) | st.integers(0, 12).map(str)
_word = st.text("aAbZz09-", min_size=1, max_size=4)
_pre = st.lists(_number | _word, max_size=4).map(".".join)


@st.composite
def tags(draw: st.DrawFn) -> str:
    """Something like a version, not always one."""
    numbers = ".".join(draw(st.lists(_number, min_size=1, max_size=3)))
    pre, build = draw(_pre), draw(st.sampled_from(["", "_1", "_a.b"]))
    return (draw(st.sampled_from(["", "v"])) + numbers + (f"-{pre}" if pre else "") + build)[:128]


@given(tags(), tags())
def test_keys_are_ordered_as_versions_are(one: str, other: str) -> None:
    first, second = find_version(one), find_version(other)
    if first is None or second is None:
        return
    keys = order_key(one).encode(), order_key(other).encode()
    assert (keys[0] < keys[1], keys[0] == keys[1]) == (first < second, first == second)


@given(st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}", fullmatch=True) | tags())
def test_every_tag_has_a_key_that_its_column_holds(tag: str) -> None:
    key = order_key(parse_tag(tag))
    assert (key == "") == (find_version(tag) is None)
    assert len(key) <= 255
    assert key.isascii()


@pytest.mark.parametrize("tag", ["0-" + ".".join("1" * 63), "-".join(["1" * 60, "9" * 67]), "v" + "9" * 127])
def test_the_longest_keys_fit(tag: str) -> None:
    assert len(tag) <= 128
    assert 0 < len(order_key(tag)) <= 255


def test_the_order_of_the_specification() -> None:
    # Semantic Versioning 2.0.0, item 11
    ordered = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
               "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2", "1.10.0", "v2", "10.0.0"]  # fmt: skip
    keys = [order_key(tag) for tag in ordered]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    assert order_key("v1.2") == order_key("1.2.0") == order_key("1.2.0_build5")
    assert [order_key(tag) for tag in ("latest", "1.2.3.4", "01.2", "1.0-01", "main-4f2a9c1")] == [""] * 5
