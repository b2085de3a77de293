"""What the server says by a name, the portal says in words: none of the names is without."""

import json
from pathlib import Path

from moorage.audit.event_filter import EVENTS

LOCALES = Path(__file__).parents[2] / "portal/src/locales"


def test_each_event_of_the_audit_log_has_words() -> None:
    words = json.loads((LOCALES / "en-US/audit.json").read_text("utf-8"))["did"]
    assert sorted(words) == sorted(EVENTS)
