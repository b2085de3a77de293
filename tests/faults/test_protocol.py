"""The trash and both counters of a quota, in every interleaving: `tests/faults/protocol.py`."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.faults.protocol import Protocol
from tests.faults.protocol_rows import Scenario
from tests.faults.protocol_walk import explore

INDEXES = {"A": ("1", ""), "B": ("2", ""), "I": ("", "A"), "J": ("", "AB")}
DELETE, BACK = ("delete", "r", "A"), ("restore", "1")
SCENARIOS = {
    # somebody pushes another image over the same layer while the only one that needs it is deleted and purged
    "delete": Scenario(((DELETE,), (("put", "r", "B", "u"),))),
    # the same layer is uploaded anew, and an image over it pushed, while its holder is purged
    "release": Scenario(((DELETE,), (("join", "r", "1"), ("put", "r", "B")))),
    # two who upload what a purge released, while it goes
    "twins": Scenario(((("join", "r", "1"),), (("join", "r", "1"),)), deleted=(DELETE,)),
    # two images over a layer that only the trash needs
    "revive": Scenario(((("put", "r", "B"),), (("put", "r", "C"),)), deleted=(DELETE,),
                       manifests={"A": ("1", ""), "B": ("1", ""), "C": ("1", "")}),
    # a restore against a purge, and a push of the same image
    "restore": Scenario(((BACK,), (("put", "r", "A", "t"),)), deleted=(DELETE,), crashes=1),
    # a promise of HEAD while the holder is purged
    "head": Scenario(((("head", "r", "1"), ("put", "r", "B")),), deleted=(DELETE,), crashes=1),
    # two indexes share a child; each goes, one comes back
    "index": Scenario(((("delete", "r", "I"), ("restore", "1")), (("delete", "r", "J"),)), manifests=INDEXES,
                      begin=(("A", ""), ("B", ""), ("I", ""), ("J", "u"))),
    # an index is pushed while one that shares its child is deleted
    "child": Scenario(((("delete", "r", "I"),), (("put", "r", "J", "u"),)), manifests=INDEXES,
                      begin=(("A", ""), ("B", ""), ("I", ""))),
    # a repository goes, comes back, and its name is pushed to meanwhile
    "repository": Scenario(((("drop", "r"), ("restore", "1")), (("join", "r", "1"), ("put", "r", "A", "t")))),
    # a project goes with its trash, and perhaps comes back
    "project": Scenario(((DELETE, ("close", "r"), ("restore", "2")), (("join", "r", "1"),))),
    # a tag goes and comes back while it is made anew, and while its artifact goes
    "tag": Scenario(((("untag", "r", "t"), ("restore", "1")), (("put", "r", "A", "t"),), (DELETE,))),
    # a repository, and then its project, go while an image is pushed
    "closing": Scenario(((("drop", "r"),), (("close", "r"),), (("put", "r", "B", "u"),)), begin=(("A", ""),)),
    # a blob is deleted while what needs it is pushed, or comes back
    "hidden": Scenario(((("unlink", "r", "1"),), (BACK, ("delete", "r", "A"), ("restore", "2")),
                        (("join", "r", "1"), ("put", "r", "B"))), deleted=(DELETE,)),
    # of two new tags one is too many, unless one that is there goes; it may come back
    "tags": Scenario(((("put", "r", "A", "u"),), (("put", "r", "B", "v"),), (("untag", "r", "t"), ("restore", "1"))),
                     tags=2),
    # no room but for what the trash holds
    "room": Scenario(((("join", "r", "2"), ("put", "r", "B", "u")),), limit=4, deleted=(DELETE, ("delete", "r", "C")),
                     begin=(("A", "t"), ("C", "")), manifests={"A": ("1", ""), "B": ("2", ""), "C": ("1", "")}),
}  # fmt: skip
DEEP = {
    "crowd": Scenario(((DELETE, ("restore", "1")), (("join", "r", "1"), ("put", "r", "B")), (("put", "r", "A", "t"),),
                       (("head", "r", "1"), ("put", "r", "C"))),
                      manifests={"A": ("12", ""), "B": ("1", ""), "C": ("1", "")}),
    "indexes": Scenario(
        ((("delete", "r", "I"), ("restore", "1")), (("delete", "r", "J"), ("restore", "2")), (("put", "r", "I"),),
         (("put", "r", "J", "v"),)),
        manifests=INDEXES, begin=(("A", ""), ("B", "b"), ("I", ""), ("J", "u")),
    ),
    "repositories": Scenario(((("drop", "r"), ("restore", "2")), (("join", "r", "1"), ("put", "r", "A", "t"), DELETE),
                              (("put", "r", "B"),)), deleted=(DELETE,)),
    "full": Scenario(((("join", "r", "2"), ("put", "r", "B", "u")), (("restore", "1"), ("put", "r", "C"))), limit=4,
                     deleted=(DELETE, ("delete", "r", "C")), begin=(("A", "t"), ("C", "")),
                     manifests={"A": ("1", ""), "B": ("2", ""), "C": ("1", "")}),
}  # fmt: skip
MUTATIONS = {
    "delete-no-gate": "delete",
    "delete-sets-no-flag": "delete",
    "flag-goes-early": "delete",
    "put-looks-before-it-locks": "revive",
    "join-believes-its-look": "twins",
    "join-forgets-released": "twins",
    "head-keeps-released": "head",
    "restore-forgets-purging": "restore",
    "restore-leaves-charges": "restore",
    "restore-leaves-children": "index",
    "purge-no-gate": "restore",
    "purge-gives-no-lease": "head",
    "purge-children-first": "index",
    "purge-hands-nothing-over": "index",
    "g2-refunds-released": "release",
    "full-trash-refuses": "room",
    "room-gives-up": "room",
    "unlink-no-gate": "hidden",
    "delete-leaves-tags": "tag",
    "restore-takes-names": "tag",
    "tag-points-to-trash": "tag",
    "tags-counted-early": "tags",
    "restore-ignores-limits": "tags",
    "drop-no-gate": "closing",
    "close-no-gate": "closing",
    "repository-leaves-links": "repository",
    "project-leaves-charges": "project",
}
"""What is taken out, and where it is missed."""


def test_every_interleaving_keeps_the_invariants(tell: Callable[[str], None], *, deep: bool) -> None:
    began, states = time.monotonic(), 0
    many = {name: replace(scenario, crashes=1, workers=2) for name, scenario in {**SCENARIOS, **DEEP}.items()}
    few = {f"{name}, one collector": scenario for name, scenario in SCENARIOS.items()}
    for name, scenario in {**few, **(many if deep else {one: many[one] for one in SCENARIOS})}.items():
        for sqlite in (False, True):
            walk = explore(Protocol(scenario, sqlite=sqlite))
            assert not walk.broken, f"{name}, {'SQLite' if sqlite else 'PostgreSQL'}: {walk.broken}\n" + "\n".join(
                walk.story
            )
            states += walk.states
    tell(f"{states} states of the trash's protocol in {time.monotonic() - began:.0f} s, no invariant broken")


@pytest.mark.parametrize(("safeguard", "scenario"), MUTATIONS.items())
def test_a_safeguard_that_is_taken_out_is_missed(safeguard: str, scenario: str) -> None:
    walk = explore(Protocol(SCENARIOS[scenario], without=safeguard))

    assert walk.broken, f"{safeguard} is not missed in {scenario}, {walk.states} states"
