"""What schemathesis is told before each of its requests; it loads this module by its name in SCHEMATHESIS_HOOKS.

By chance alone nothing is ever found: no random text is the name of a project. So half of the values in paths are
those of things that exist, from the environment variable `PLACES`. And nothing may end the run: the caller does not
take away its own account, nor the settings by which it signs in.

Each request is a line in the file that `TALLY` names: the operation that is asked.

The choice follows from the value that schemathesis made, and nothing else, so that a seed repeats a run.
"""

import json
import os
import zlib
from pathlib import Path
from typing import Any

import schemathesis

PLACES: dict[str, Any] = json.loads(os.environ.get("PLACES", "{}"))
"""Shape: {"path": {parameter: [value, …]}, "spare": {parameter: [value, …]}, "own": {parameter: value}}. `spare` are
values that a DELETE may have."""

LOCKS_OUT = frozenset({"read_only", "auth_mode", "auth_sources", "primary_auth_mode", "session_timeout"})
WAITS = frozenset({"audit_log_forward_endpoint", "ldap_url", "oidc_endpoint"})
"""Settings that name another server: each would be waited for."""


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: "schemathesis.Case[Any]", kwargs: dict[str, Any]) -> None:
    """Put things that exist in the place of some that do not, and count."""
    del context, kwargs
    with Path(os.environ["TALLY"]).open("a", encoding="utf-8") as file:
        file.write(f"{case.operation.label}\n")
    known = PLACES["spare" if case.method == "DELETE" else "path"]
    for name, value in dict(case.path_parameters or {}).items():
        number = zlib.crc32(repr(value).encode())
        if number % 2 and known.get(name):
            case.path_parameters[name] = known[name][number // 2 % len(known[name])]
        if str(case.path_parameters[name]) == str(PLACES["own"].get(name)):
            case.path_parameters[name] = 999_999
    if case.operation.path.endswith("/configurations") and isinstance(case.body, dict):
        case.body = {key: value for key, value in case.body.items() if key not in LOCKS_OUT | WAITS}
