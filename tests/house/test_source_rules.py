"""The rules about the product's source, read from its syntax tree."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from moorage import failpoints

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "moorage").rglob("*.py"))

FORBIDDEN_MODULES = {"pickle", "cPickle", "marshal", "shelve", "jsonpickle", "dill", "cloudpickle"}
"""They run code that is hidden in data."""

BROAD_CATCHES = {
    "moorage/web/middleware.py": "the error boundary: the client gets 500 and the request id, the log the traceback",
    "moorage/app.py": "a start that failed is told to the server in the message the lifespan has for it",
    "moorage/api/rest_api.py": "an error in the loading thread is kept and raised in the request that waits for it",
    "moorage/db/engine.py": "a bell that fails is logged: the change it tells of is already durable",
    "moorage/cli/serve.py": "a lifespan that fails is logged and reported, or the server would serve without one",
    "moorage/cli/prepare.py": "the child process that prepares a start prints whatever ends it, and ends there",
    "moorage/cli/worker_supervisor.py": "a forked process prints whatever ends it, and ends there",
    "moorage/jobs/worker.py": "the worker: a job that fails is a row with its error, never the end of the worker",
    "moorage/jobs/scheduler.py": "the scheduler: one broken row must not stop the others",
    "moorage/storage/body_writer.py": "an error in a lane is kept and raised where the loop waits for it",
}
"""Where everything may be caught without being raised again on the spot, and why. Elsewhere: narrowly and late."""

READS_ENVIRONMENT = {
    "moorage/cli/settings_loader.py": "the boot settings, read once and passed down",
}

READS_RECEIVE = {
    "moorage/web/request.py": "the one place that reads bodies: bounded in size and in time",
    "moorage/app.py": "the messages of the lifespan, which have no body",
}
"""Who may call ASGI's `receive`, or read a body whole."""


def name_of(path: Path) -> str:
    """The path inside the repository."""
    return path.relative_to(ROOT).as_posix()


def find_forbidden(tree: ast.AST) -> Iterator[str]:
    """Modules and calls that run code hidden in data."""
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        yield from (name for name in names if name.split(".")[0] in FORBIDDEN_MODULES)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"yaml.load", "yaml.unsafe_load", "yaml.full_load"}:
            yield ast.unparse(node.func)


def find_later_than_debian(tree: ast.AST) -> Iterator[int]:
    """What Python 3.11.2 of Debian 12 has not got, or does otherwise: it puts what `except*` raises into a group."""
    for node in ast.walk(tree):
        if isinstance(node, ast.TryStar):
            yield node.lineno
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith((".extract", ".extractall")):
            yield from (node.lineno for one in node.keywords if one.arg == "filter")


def find_broad_catches(tree: ast.AST) -> Iterator[int]:
    """Lines that catch everything and do not raise again at the end."""
    broad = {"Exception", "BaseException"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            is_broad = any(kind is None or ast.unparse(kind) in broad for kind in caught)
            if is_broad and not isinstance(node.body[-1], ast.Raise):
                yield node.lineno


def find_environment(tree: ast.AST) -> Iterator[int]:
    """Lines that read the environment."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv", "os.environb"}:
            yield node.lineno
        if (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and {a.name for a in node.names} & {"environ", "getenv"}
        ):
            yield node.lineno


def find_unbounded_reads(tree: ast.AST) -> Iterator[int]:
    """Lines that wait for a whole body, or that take pieces from the server themselves."""
    whole = {"body", "read", "aread", "json", "form", "text"}
    awaited = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Await)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or node.args:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        is_whole = name in whole and not node.keywords and id(node) in awaited
        if is_whole or ast.unparse(node.func).split(".")[-1] in {"receive", "_receive"}:
            yield node.lineno


def find_points(tree: ast.AST) -> Iterator[str]:
    """The names of the fault points that are passed."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"failpoints.point", "point"}:
            yield ast.literal_eval(node.args[0])


def find(rule: object, listed: dict[str, str]) -> list[str]:
    """Shape: `path:line` of every hit outside the listed files."""
    assert callable(rule)
    return [
        f"{name_of(path)}:{hit}"
        for path in SOURCES
        if name_of(path) not in listed
        for hit in rule(ast.parse(path.read_text()))
    ]


def test_nothing_runs_code_that_is_hidden_in_data() -> None:
    assert not find(find_forbidden, {})


def test_everything_is_caught_only_where_it_is_said() -> None:
    assert not find(find_broad_catches, BROAD_CATCHES), "catch what can happen there, or say why in BROAD_CATCHES"


def test_debians_python_has_what_is_used() -> None:
    sources = [*SOURCES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "tools").rglob("*.py")]
    found = {name_of(path): list(find_later_than_debian(ast.parse(path.read_text()))) for path in sources}
    assert not {name: lines for name, lines in found.items() if lines}


def test_the_environment_is_read_only_where_it_is_said() -> None:
    assert not find(find_environment, READS_ENVIRONMENT), "make it a boot setting"


def test_bodies_are_read_only_with_a_bound() -> None:
    assert not find(find_unbounded_reads, READS_RECEIVE), "read through moorage.web.request, which knows the limit"


@pytest.mark.parametrize(
    ("rule", "listed"),
    [
        (find_broad_catches, BROAD_CATCHES),
        (find_unbounded_reads, READS_RECEIVE),
    ],
    ids=["catches", "bodies"],
)
def test_no_exception_outlives_its_reason(rule: object, listed: dict[str, str]) -> None:
    assert callable(rule)
    trees = {name: ast.parse((ROOT / name).read_text()) for name in listed if (ROOT / name).exists()}

    assert not [name for name, tree in trees.items() if not list(rule(tree))], "take it off the list"


def test_every_fault_point_that_is_passed_is_listed() -> None:
    passed = {
        name for path in SOURCES if path.name != "failpoints.py" for name in find_points(ast.parse(path.read_text()))
    }

    assert not passed - set(failpoints.POINTS)


def test_every_listed_fault_point_is_passed_by_code() -> None:
    passed = {
        name for path in SOURCES if path.name != "failpoints.py" for name in find_points(ast.parse(path.read_text()))
    }

    assert not set(failpoints.POINTS) - passed, "pass it, or take it out of failpoints.POINTS"


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (find_forbidden, "import pickle"),
        (find_forbidden, "from marshal import loads"),
        (find_forbidden, "yaml.load(text)"),
        (find_later_than_debian, "try:\n    f()\nexcept* ValueError:\n    raise"),
        (find_later_than_debian, "tar.extractall(place, filter='data')"),
        (find_broad_catches, "try:\n    f()\nexcept Exception:\n    pass"),
        (find_broad_catches, "try:\n    f()\nexcept (ValueError, BaseException):\n    log()"),
        (find_broad_catches, "try:\n    f()\nexcept:\n    pass"),
        (find_environment, "x = os.environ['A']"),
        (find_environment, "from os import getenv"),
        (find_unbounded_reads, "async def f(): return await request.body()"),
        (find_unbounded_reads, "async def f(): return await self._receive()"),
        (find_unbounded_reads, "def f(): return self._receive()"),
        (find_points, "failpoints.point('a.b')"),
    ],
)
def test_each_rule_sees_what_it_forbids(rule: object, source: str) -> None:
    assert callable(rule)
    assert list(rule(ast.parse(source)))


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (find_broad_catches, "try:\n    f()\nexcept BaseException:\n    undo()\n    raise"),
        (find_broad_catches, "try:\n    f()\nexcept OSError:\n    pass"),
        (find_unbounded_reads, "async def f(): return await file.read(4096)"),
        (find_forbidden, "yaml.safe_load(text)"),
    ],
)
def test_no_rule_sees_what_is_allowed(rule: object, source: str) -> None:
    assert callable(rule)
    assert not list(rule(ast.parse(source)))
