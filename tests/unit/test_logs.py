"""Logs: one event a line, with the request's id and without credentials."""

import json
import logging
import logging.config
import sys

import msgspec
import pytest

from moorage.logs import JsonLines, TextLines, make_config, request_id, scrub
from moorage.settings import Log, Secret


def make_record(message: str, *values: object, error: bool = False, **extra: object) -> logging.LogRecord:
    """A record as a logger makes it."""
    exc_info = None
    if error:
        try:
            int("Authorization: Bearer abcdefghijkl")
        except ValueError:
            exc_info = sys.exc_info()
    record = logging.LogRecord("moorage.web", logging.WARNING, __file__, 1, message, values, exc_info)
    vars(record).update(extra)
    return record


def test_json_holds_time_level_logger_message_and_extra_values() -> None:
    line = JsonLines().format(make_record("slow: %s", "disk", seconds=1.5, path="/v2/"))

    event = json.loads(line)
    assert event.pop("time").endswith("Z")
    assert event == {
        "level": "warning", "logger": "moorage.web", "message": "slow: disk", "seconds": 1.5, "path": "/v2/",
    }  # fmt: skip


@pytest.mark.parametrize("formatter", [JsonLines(), TextLines()], ids=["json", "text"])
def test_a_line_carries_the_id_of_its_request(formatter: logging.Formatter) -> None:
    assert "request_id" not in formatter.format(make_record("outside"))

    token = request_id.set("r-17")
    try:
        assert "r-17" in formatter.format(make_record("inside"))
    finally:
        request_id.reset(token)


@pytest.mark.parametrize("formatter", [JsonLines(), TextLines()], ids=["json", "text"])
def test_an_event_is_one_line_whatever_a_client_sent(formatter: logging.Formatter) -> None:
    line = formatter.format(make_record("user %s", 'eve\r\n{"level": "info", "message": "forged"}\u2028x'))

    assert "\n" not in line
    assert "\r" not in line


@pytest.mark.parametrize("formatter", [JsonLines(), TextLines()], ids=["json", "text"])
def test_secrets_are_not_written(formatter: logging.Formatter) -> None:
    record = make_record(
        "cannot reach %s with %s", "postgresql://m:hush-hush@db/x", Secret("hush-hush"),
        error=True, key=Secret("hush-hush"), header="Basic aHVzaC1odXNo",
    )  # fmt: skip

    line = formatter.format(record)

    assert "hush" not in line
    assert "aHVzaC1odXNo" not in line
    assert "abcdefghijkl" not in line
    assert "ValueError" in line
    assert "postgresql://m:***@db/x" in line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer eyJhbGciOi.x-y_z=", "Authorization: Bearer ***"),
        ("basic dXNlcjpwdw==, and more", "basic ***, and more"),
        ("https://u:p@host/x https://host/y", "https://u:***@host/x https://host/y"),
        ("a bearer of news", "a bearer of news"),
    ],
)
def test_credentials_are_cut_out_of_text(text: str, expected: str) -> None:
    assert scrub(text) == expected


def test_values_that_json_does_not_know_are_written_as_text() -> None:
    event = json.loads(JsonLines().format(make_record("x", thing=object)))

    assert "object" in event["thing"]


@pytest.mark.parametrize(("form", "kind"), [("json", "JsonLines"), ("text", "TextLines"), ("auto", "JsonLines")])
def test_the_settings_choose_form_and_level(form: str, kind: str) -> None:
    config = make_config(msgspec.convert({"format": form, "level": "error"}, Log))

    assert config["formatters"]["lines"]["()"] == f"moorage.logs.{kind}"
    assert config["root"]["level"] == "ERROR"
    logging.config.DictConfigurator(config)
