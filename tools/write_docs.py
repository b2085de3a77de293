"""Write what follows from the code: pages of docs/operate and docs/use, and the portal's types of the REST API.

A test compares them with the code, so run this after changing a setting or a command: `make pages`.
"""

import argparse
import ast
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from moorage.__main__ import build_parser  # noqa: E402 - the line above makes it importable from a checkout
from moorage.access.required_permission import Needs  # noqa: E402
from moorage.api.contract import OPERATIONS  # noqa: E402
from moorage.api.routes import BUILT  # noqa: E402
from moorage.api.unimplemented import contract_path, unbuilt  # noqa: E402
from moorage.cli.exit_status import MEANINGS  # noqa: E402
from moorage.configuration import validation  # noqa: E402
from moorage.errors import Problem  # noqa: E402
from moorage.settings import Key, list_keys  # noqa: E402
from tools.portal_types import make_types  # noqa: E402

NOTE = "<!-- Written by tools/write_docs.py; change the code and run it. -->\n"


def main() -> None:
    """Write the pages."""
    for name, text in make_pages().items():
        (ROOT / name).write_text(text)
        print(name)


def make_pages() -> dict[str, str]:
    """The pages by their paths in the repository."""
    return {
        "docs/operate/settings.md": make_settings(),
        "docs/operate/configuration.md": make_configuration(),
        "docs/operate/cli.md": make_cli(),
        "docs/use/errors.md": make_errors(),
        "docs/use/api.md": make_api(),
        "portal/src/api/schema.ts": make_types(),
    }


# -- the REST API -----------------------------------------------------------------------------------------


def make_api() -> str:
    """The page of the operations: which are built, and which are ours."""
    later = {one.id for one in unbuilt(BUILT)}
    lines = [
        NOTE,
        "# The REST API",
        "",
        (
            "Below `/api/v2.0` lies Harbor's REST API v2.0, with its names, parameters, statuses and shapes, and what "
            "we add to it. `/api/v2.0/openapi.json` is the document of all of it (OpenAPI 3.1), made from the running "
            "code; additions of ours are marked `x-moorage` there. `/api/v2.0/explorer` shows it in a browser, and "
            "sends requests."
        ),
        "",
        (
            f"Of the {len(OPERATIONS)} operations of the contract {len(OPERATIONS) - len(later)} are built. The others "
            "have their place and answer 501 `NOT_IMPLEMENTED`, after asking for the permission that they will need."
        ),
        "",
    ]
    needed = {handler.operation_id: handler.opt["needs"] for handler in BUILT}
    for tag in dict.fromkeys(one.tag for one in OPERATIONS):
        lines += [f"## {tag}", "", "| operation | method and path | state | needs |", "|---|---|---|---|"]
        for one in OPERATIONS:
            if one.tag == tag:
                state = "501: not built yet" if one.id in later else "built"
                lines.append(
                    f"| `{one.id}` | `{one.method} {one.path}` | {state} | {_say(needed.get(one.id, one.needs))} |"
                )
        lines.append("")
    lines += ["## Our additions", "", "| operation | method and path | what it does | needs |", "|---|---|---|---|"]
    for handler in BUILT:
        if handler.opt["ours"]:
            (path,), (method,) = handler.paths, handler.http_methods
            does = (handler.fn.__doc__ or "").strip().splitlines()[0].replace("|", "\\|")
            needs = _say(handler.opt["needs"])
            lines.append(f"| `{handler.operation_id}` | `{method} {contract_path(path)}` | {does} | {needs} |")
    return "\n".join(lines) + "\n"


def _say(needs: Needs) -> str:
    """What a caller needs; where the operation decides, by what."""
    return needs.note or str(needs)


# -- errors -----------------------------------------------------------------------------------------------


def make_errors() -> str:
    """The page of all errors, by their status."""
    lines = [
        NOTE,
        "# Errors",
        "",
        "Every error has the same body, on `/v2` as on `/api`:",
        "",
        "```json",
        '{"errors": [{"code": "DENIED", "message": "a sentence", "detail": {"reason": "QUOTA_EXCEEDED"}}]}',
        "```",
        "",
        (
            "`code` is that of the protocol: the one of the OCI distribution specification on `/v2`, the one of the "
            "contract on `/api`. `detail.reason` is finer, and as stable; it is left out where it would repeat the "
            "code. Some refusals say in `detail.which` which of several causes it was. Each reply carries "
            "`X-Request-Id`, under which the server's log has more. 429 and 503 come with `Retry-After` in seconds."
        ),
        "",
        (
            "What cannot be read as HTTP/1.1 at all, or has more than 100 headers, 64 KiB of address or about 400 KiB "
            "of headers, ends before it is a request: 400, 414 or 431 without a body, and the connection is closed."
        ),
        "",
    ]
    for kind in Problem.__subclasses__():
        if kind.__module__ != Problem.__module__:
            continue
        lines += [f"## {kind.status}: {sentence(kind)}", ""]
        lines += ["| reason | code on /v2 | code on /api | what it means |", "|---|---|---|---|"]
        for one in (kind, *kind.__subclasses__()):
            if one.__module__ == Problem.__module__:
                reason = f"`{one.reason}`" if one.reason else "(any other)"
                lines.append(f"| {reason} | `{one.oci_code}` | `{one.code}` | {sentence(one)} |")
        lines.append("")
    lines += [
        "## 500: internal server error",
        "",
        "A bug of ours. The code is `UNKNOWN`, and `detail.request_id` is what the server's log has the rest under.",
    ]
    return "\n".join(lines).rstrip() + "\n"


def sentence(kind: type[Problem]) -> str:
    """The default message of an error, as a cell of a table."""
    return (kind.__doc__ or "").strip().splitlines()[0].replace("|", "\\|").replace("*", "\\*")


# -- settings ---------------------------------------------------------------------------------------------


def make_settings() -> str:
    """The page of all settings."""
    fields, tables = read_docstrings()
    lines = [
        NOTE,
        "# Settings",
        "",
        "What a server needs before it has a database. A value is taken from the last of these that gives it:",
        "",
        "1. the default below;",
        "2. `moorage.toml` in the data folder, or the file named by `--config` or `MOORAGE_CONFIG`;",
        "3. the environment: `MOORAGE_` and the key in capitals, with two underscores for each dot; lists as JSON;",
        "4. flags of `moorage serve`.",
        "",
        (
            "An unknown key or variable stops the start, and the nearest known one is named. A *secret* can "
            "also be given as a file: add `_file` to the key or `_FILE` to the variable. Secrets are shown as `***`."
        ),
        "",
        (
            "`moorage settings` shows each setting with its value and where the value came from; `moorage check` looks "
            "at what they name."
        ),
        "",
        "```toml",
        'external_url = "https://registry.example.com"',
        'allowed_hosts = ["registry.internal"]',
        "",
        "[database]",
        'url = "postgresql://moorage@db.internal/moorage"',
        'password_file = "/run/secrets/database"',
        "```",
        "",
    ]
    table = None
    for key in list_keys():
        parent, _, name = key.name.rpartition(".")
        if parent != table:
            table = parent
            lines += [f"## [{parent}]" if parent else "## At the top of the file", ""]
            lines += [tables[parent], ""] if parent else []
        lines += [f"### `{name}`", "", f"{fields[key.name]} {describe(key)} Variable: `{key.variable}`.", ""]
    return "\n".join(lines)


def describe(key: Key) -> str:
    """Its default, and whether it is secret."""
    if key.secret:
        return f"*Secret*: `{key.name.rpartition('.')[2]}_file` names a file that holds it."
    return "Default: not set." if key.default in {None, "", ()} else f"Default: `{json.dumps(key.default)}`."


def read_docstrings() -> tuple[dict[str, str], dict[str, str]]:
    """The docstring below each field by its dotted key, and that of each struct by its table."""
    tree = ast.parse((ROOT / "moorage" / "settings.py").read_text())
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    fields: dict[str, str] = {}
    tables: dict[str, str] = {}

    def walk(kind: ast.ClassDef, prefix: str) -> None:
        tables[prefix.rstrip(".")] = " ".join((ast.get_docstring(kind) or "").split())
        for name, annotation, text in list_fields(kind):
            if annotation in classes and annotation != "Secret":
                walk(classes[annotation], f"{prefix}{name}.")
            fields[prefix + name] = text

    walk(classes["Settings"], "")
    return fields, tables


def list_fields(kind: ast.ClassDef) -> Iterator[tuple[str, str, str]]:
    """Name, annotation and docstring of each field of a struct."""
    for field, after in zip(kind.body, kind.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(after, ast.Expr):
            text = ast.literal_eval(after.value)
            yield field.target.id, ast.unparse(field.annotation), " ".join(str(text).split())


# -- live settings ----------------------------------------------------------------------------------------


def make_configuration() -> str:
    """The page of all live settings."""
    fields = read_items()
    lines = [
        NOTE,
        "# Live settings",
        "",
        (
            "What an administrator changes while the server runs: `GET` and `PUT /api/v2.0/configurations`, as in "
            "Harbor. A change holds for the next request in every process; pulls and pushes of registry clients follow "
            "within a second. A `PUT` names what it changes; either all of it is changed or nothing, and unknown names "
            "are passed over. *Secrets* can be set and are never shown; they are sealed in the database. The audit log "
            "has each change, of a secret only its name. On the web page they are under *Settings*, where a directory, "
            "a provider and a syslog receiver are tried before they are saved. A `PUT` tries them, too: a receiver "
            "that cannot be reached is refused; a directory or a provider that people come from is saved also where it "
            "does not work, and the `Warning` of the reply says why it does not, and "
            "`Warning-Codes` which it is: `DIRECTORY_UNUSABLE`, `PROVIDER_UNUSABLE`, or `NAMES_IGNORED`."
        ),
        "",
        (
            "`auth_mode` is not stored: it shows the first of `auth_sources` under the contract's name (`db_auth`, "
            "`ldap_auth`, `oidc_auth`, `http_auth`), and setting it moves that source to the front. No source is "
            "switched off by that, so nobody is locked out; to switch one off, set `auth_sources`."
        ),
        "",
        "## Fixed by the server's environment",
        "",
        (
            "`MOORAGE_CONFIG_OVERWRITE` (or `MOORAGE_CONFIG_OVERWRITE_FILE`, which names a file) holds a JSON object "
            "of live settings. They hold from the start on and cannot be changed through the API (403); `GET` says "
            '`"editable": false` and names the variable. Everything else can still be changed. What was set before '
            "stays underneath and comes back when the server is started without it. Give every replica the same."
        ),
        "",
        "```sh",
        """MOORAGE_CONFIG_OVERWRITE='{"project_creation_restriction": "adminonly"}' moorage serve""",
        "```",
        "",
        "## All of them",
        "",
    ]
    for name in validation.TYPES:
        default = getattr(validation.DEFAULTS, name)
        shown = "Default: not set." if default in ("", {}) else f"Default: `{json.dumps(default)}`."
        lines += [f"### `{name}`", "", f"{fields[name]} {'*Secret*.' if name in validation.SECRETS else shown}", ""]
    return "\n".join(lines)


def read_items() -> dict[str, str]:
    """The docstring below each live setting, by its name."""
    tree = ast.parse((ROOT / "moorage" / "configuration" / "schema.py").read_text())
    kind = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Items")
    return {name: text for name, _, text in list_fields(kind)}


# -- the command line -------------------------------------------------------------------------------------


def make_cli() -> str:
    """The page of all commands."""
    os.environ["COLUMNS"] = "100"  # how wide argparse writes
    parser = build_parser()
    lines = [
        NOTE,
        "# The command line",
        "",
        (
            "`moorage`, or `python -m moorage`. The commands that change accounts, projects and members work while the "
            "server runs: they use the same database. A password is never an argument, where others could read it."
        ),
        "",
        "## Exit statuses",
        "",
        "| status | meaning |",
        "| --- | --- |",
        *[f"| {status} | {meaning} |" for status, meaning in MEANINGS.items()],
        "",
        "What went wrong is one sentence on standard error. With `--json` standard output holds JSON and nothing else.",
        "",
    ]
    for command in list_commands(parser):
        lines += [f"## {command.prog}", "", "```text", command.format_help().rstrip(), "```", ""]
    return "\n".join(lines)


def list_commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Every command that does something, in the order of the help."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to ask for its commands
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for command in action.choices.values():
                is_group = any(isinstance(inner, argparse._SubParsersAction) for inner in command._actions)  # noqa: SLF001
                yield from list_commands(command) if is_group else [command]


if __name__ == "__main__":
    main()
