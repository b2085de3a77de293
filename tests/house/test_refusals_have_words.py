"""What the server refuses is said by the portal in words of its own: a new reason without them fails here."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from moorage import errors
from moorage.errors import Problem

ROOT = Path(__file__).parents[2]
WORDS: dict[str, str] = json.loads((ROOT / "portal/src/locales/en-US/refusals.json").read_text())
BOX = (ROOT / "portal/src/kit/ProblemBox.tsx").read_text()
AT_ONCE = set(re.findall(r"\b([A-Z][A-Z_]+): \"problems\.", BOX))
"""Reasons whose words every page has, for they are needed before anything else: at the sign-in, and offline."""

CLIENTS = "only clients of /v2 and of the token service ask this"
PROGRAMS = "the forms of the portal never send it; a program that does reads what the server says"
NO_PAGE = {
    "DIGEST_INVALID": CLIENTS, "MANIFEST_INVALID": CLIENTS, "SIZE_INVALID": CLIENTS,
    "PAGINATION_NUMBER_INVALID": CLIENTS,
    "SERVICE_UNKNOWN": CLIENTS, "TOKEN_REQUEST_INVALID": CLIENTS, "TOKEN_INVALID": CLIENTS, "TOKEN_REVOKED": CLIENTS,
    "BLOB_UPLOAD_UNKNOWN": CLIENTS, "MANIFEST_BLOB_UNKNOWN": CLIENTS, "REFRESH_TOKEN_UNKNOWN": CLIENTS,
    "REFRESH_TOKENS_LIMIT": CLIENTS,
    "UPLOAD_OFFSET_INVALID": CLIENTS, "UPLOAD_BUSY": CLIENTS, "BLOB_UPLOAD_INVALID": CLIENTS, "UPLOAD_LIMIT": CLIENTS,
    "MIRROR_READ_ONLY": CLIENTS, "PROXY_PUSH": CLIENTS, "BLOB_IN_USE": CLIENTS, "TAG_MOVED": CLIENTS,
    "CONTENT_DIFFERS": CLIENTS, "NOT_CACHED": CLIENTS, "UNSUPPORTED_MEDIA_TYPE": CLIENTS,
    "REQUESTED_RANGE_NOT_SATISFIABLE": CLIENTS, "METHOD_NOT_ALLOWED": PROGRAMS, "SCHEDULE_INVALID": PROGRAMS,
    "PARAMETER_INVALID": PROGRAMS, "COPY_SOURCE_INVALID": PROGRAMS, "ACTION_INVALID": PROGRAMS, "SCOPE_LIMIT": PROGRAMS,
    "ROLE_INVALID": PROGRAMS, "METADATA_EXISTS": PROGRAMS, "METADATA_UNKNOWN": PROGRAMS, "ICON_UNKNOWN": PROGRAMS,
    "NO_OIDC_USER": PROGRAMS, "NOT_A_PERSON": PROGRAMS, "PREFERENCES_LIMIT": PROGRAMS,
    "PREFERENCES_STALE": "the portal reads them again and writes once more by itself",
    "CERTIFICATE_UNKNOWN": "the link to it is there only where the file is",
    "BAD_REQUEST": "no one thing: said by its status, with the server's sentence below",
    "UNPROCESSABLE_ENTITY": "no one thing: said by its status, with the server's sentence below",
    "UNAUTHORIZED": "said by its status", "FORBIDDEN": "said by its status", "NOT_FOUND": "said by its status",
    "CONFLICT": "said by its status", "PRECONDITION": "said by its status", "TOO_MANY_REQUEST": "said by its status",
    "NOT_IMPLEMENTED": "said by its status", "SERVICE_UNAVAILABLE": "said by its status",
    "ROUTE_UNKNOWN": "said by its status",
}  # fmt: skip
CLASSES = {
    name: one
    for name, one in vars(errors).items()
    if isinstance(one, type) and issubclass(one, Problem) and one is not Problem
}


def raised() -> Iterator[tuple[str, str, set[str], str]]:
    """Each place that makes a problem: where, its class, what its detail has, and the name of the finer cause."""
    for path in sorted((ROOT / "moorage").rglob("*.py")):
        if path.is_relative_to(ROOT / "moorage/distribution"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLASSES):
                continue
            which = ""
            for one in node.keywords:
                if one.arg == "which":  # a text that may have an ending, or one of two
                    which = next(
                        (str(part.value) for part in ast.walk(one.value) if isinstance(part, ast.Constant)), ""
                    )
            where = f"{path.relative_to(ROOT)}:{node.lineno}"
            yield where, node.func.id, {str(one.arg) for one in node.keywords if one.arg}, which


def test_every_reason_has_words_or_a_reason_to_have_none() -> None:
    reasons = {one.reason or one.code for one in CLASSES.values()}
    causes = {which for _, _, _, which in raised() if which}
    causes |= set(re.findall(r'"(SETTING_[A-Z_]+)"', (ROOT / "moorage/configuration/validation.py").read_text()))
    causes |= set(re.findall(r'"(CONNECT_[A-Z_]+)"', (ROOT / "moorage/connection_errors.py").read_text()))
    causes |= set(re.findall(r'\d: "(LDAP_[A-Z_]+)"', (ROOT / "moorage/ldap/client.py").read_text()))
    causes.add("LDAP_NO_PASSWORD")
    assert len(reasons) > 150
    assert len(AT_ONCE) > 10
    assert reasons - set(WORDS) - AT_ONCE == set(NO_PAGE)
    assert not set(NO_PAGE) & (set(WORDS) | AT_ONCE)
    endings = {f"{cause}{ending}" for cause in causes for ending in ("", "_SIGN_IN")}
    assert set(WORDS) <= reasons | endings
    assert causes <= set(WORDS)


def test_the_words_name_only_what_the_refusal_brings() -> None:
    wrong = []
    for where, name, facts, which in raised():
        reason = CLASSES[name].reason or CLASSES[name].code
        for key in {which, f"{which}_SIGN_IN"} if which else {reason}:
            needs = set(re.findall(r"{{(\w+)}}", WORDS.get(key, ""))) - {"wait"}
            if not needs <= facts:
                wrong.append(f"{where}: {key} needs {', '.join(sorted(needs - facts))}")
    assert wrong == []
