"""No module of the server imports itself through others."""

import graphlib

import grimp

KNOWN = {frozenset({"moorage.db.engine", "moorage.db.pipeline", "moorage.db.query_execution"})}
"""Circles still to be broken; nothing is added here."""


def test_the_modules_import_each_other_in_no_circle() -> None:
    graph = grimp.build_graph("moorage", exclude_type_checking_imports=True, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    for circle in KNOWN:
        for module in circle:
            imports[module] -= circle
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        message = " -> ".join(error.args[1])
        raise AssertionError(f"These modules import each other: {message}. Move what both need to a third.") from None
