"""Column types that all tables share."""

import json
import math

import pytest

from moorage.db.base import read_json


@pytest.mark.parametrize(
    "value",
    [None, {}, [], "ä", {"a": [1, -1.5, True, None, 2**70, "\U0001f680"]}, "half of a character: \ud800", math.inf],
)
def test_json_is_read_as_it_was_written(value: object) -> None:
    assert read_json(json.dumps(value)) == value
    assert type(read_json(json.dumps(value))) is type(value)


def test_not_a_number_comes_back() -> None:
    assert math.isnan(read_json("NaN"))


def test_what_is_no_json_is_an_error() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        read_json("{")
