"""What the doctor of a running server can find has words in the portal: a new finding without them fails here."""

import ast
import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ("moorage/system/doctor.py", "moorage/system/diagnostics.py")
WORDS = json.loads((ROOT / "portal/src/locales/en-US/findings.json").read_text())
ARGUMENTS = ("area", "state", "text", "mend", "code", "where", "kind")
WELL = {
    "FOLDER_IN_ORDER", "FOLDER_TO_COME", "STORAGE_TO_COME", "STORAGE_WRITABLE", "STORAGE_ANSWERS", "DATABASE_ANSWERS",
    "CERTIFICATE_IN_ORDER",
}  # fmt: skip
NO_KIND = {"KEY_VALUES_MISMATCH"}
"""What OpenSSL calls a key that does not fit."""


def in_source() -> dict[str, set[str]]:
    """Every text in capitals that the sources name, as kinds are written, and the facts of those made there."""
    kinds: dict[str, set[str]] = {}
    for source in SOURCES:
        tree = ast.parse((ROOT / source).read_text())
        for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]:
            keys = {
                str(key.value)
                for node in ast.walk(function)
                if isinstance(node, ast.Dict)
                for key in node.keys
                if isinstance(key, ast.Constant)
            }
            for node in ast.walk(function):
                named = isinstance(node, ast.Constant) and isinstance(node.value, str)
                if named and re.fullmatch(r"[A-Z]+(_[A-Z]+)+", str(node.value)):  # type: ignore[attr-defined]
                    kinds.setdefault(str(node.value), set()).update(keys)  # type: ignore[attr-defined]
    return {kind: keys for kind, keys in kinds.items() if kind not in NO_KIND}


def made() -> list[dict[str, ast.expr]]:
    """The arguments of every finding that is made."""
    found = []
    for source in SOURCES:
        for node in ast.walk(ast.parse((ROOT / source).read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
                given = dict(zip(ARGUMENTS, node.args, strict=False))
                found.append(given | {str(one.arg): one.value for one in node.keywords})
    return found


def test_every_finding_has_words_and_every_word_has_a_finding() -> None:
    kinds = in_source()
    said = {key.partition("_one")[0].removesuffix("_other") for key in WORDS["said"]}
    mended = set(WORDS["mend"])
    assert len(made()) > 25  # it reads something
    assert said == set(kinds)
    assert mended == said - WELL  # what is well needs no mend


def test_every_finding_says_its_kind_in_the_source() -> None:
    for given in made():
        kind = given.get("kind", given.get("code"))
        assert kind is not None, ast.dump(given["text"])
        if isinstance(kind, ast.Constant):
            assert kind.value in in_source()


def test_the_words_name_only_what_the_finding_brings() -> None:
    kinds = in_source()
    for part in ("said", "mend"):
        for key, text in WORDS[part].items():
            kind = re.sub(r"_(one|other)$", "", key)
            assert set(re.findall(r"{{(\w+)}}", text)) <= kinds[kind] | {"where"}, key


def test_every_area_has_a_word() -> None:
    areas = {str(one["area"].value) for one in made() if isinstance(one["area"], ast.Constant)}
    assert areas | {"database", "storage"} == set(WORDS["area"])
