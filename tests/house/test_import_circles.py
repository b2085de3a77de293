"""No module of the server imports itself through others."""

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def find_imports(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports below `node`, also those inside functions, but those that only a type checker sees."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        yield from find_imports(child)


def build_graph() -> dict[str, set[str]]:
    """The modules of the server, each with those that it imports."""
    paths = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (ROOT / "moorage").rglob("*.py")
    }
    graph: dict[str, set[str]] = {name: set() for name in paths}
    for name, path in paths.items():
        for statement in find_imports(ast.parse(path.read_text())):
            if isinstance(statement, ast.Import):
                wanted = [alias.name for alias in statement.names]
            else:
                within = f"{statement.module}"
                wanted = [f"{within}.{alias.name}" for alias in statement.names]
                wanted = [one if one in paths else within for one in wanted]
            graph[name] |= {one for one in wanted if one in paths and one != name}
    return graph


def test_the_modules_import_each_other_in_no_circle() -> None:
    graph = build_graph()
    assert "moorage.db.engine" in graph["moorage.wiring"]
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        message = " -> ".join(error.args[1])
        raise AssertionError(f"These modules import each other: {message}. Move what both need to a third.") from None
