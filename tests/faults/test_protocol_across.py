"""Mounts, copies between projects, referrers and the count of repositories: `tests/faults/protocol_across.py`."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.faults.protocol_across import Across, Plan
from tests.faults.protocol_walk import explore

COPY, MOUNT = ("copy", "2/s", "A", "1/r"), ("mount", "2/s", "1", "1/r")
CROWD = {"A": ("1", ""), "B": ("1", ""), "S": ("2", "A")}
PLANS = {
    # a signed image is copied to another project while it is deleted
    "copy": Plan(((COPY,), (("delete", "1/r", "A"),)), begin=(("1/r", "A"), ("1/r", "S"))),
    # two images that share layers are copied to another project, each to a repository of its own
    "copies": Plan(((COPY,), (("copy", "2/t", "B", "1/r"),)), manifests={"A": ("12", ""), "B": ("21", "")},
                   begin=(("1/r", "A"), ("1/r", "B"))),
    # a layer is mounted from another project and used, while it is deleted there
    "mount": Plan(((MOUNT, ("put", "2/s", "A")), (("unlink", "1/r", "1"),)), begin=(), linked=(("1/r", "1"),)),
    # the same layer is pushed to one project while the other lets go of it
    "push": Plan(((("push", "2/s", "1"),), (("unlink", "1/r", "1"),)), begin=(), linked=(("1/r", "1"),)),
    # a layer is deleted in one repository while another one of the same project gets it
    "again": Plan(((("push", "1/q", "1"),), (("unlink", "1/r", "1"),)), begin=(), linked=(("1/r", "1"),)),
    # an image is signed while it is deleted; it comes back
    "sign": Plan(((("put", "1/r", "S"),), (("delete", "1/r", "A"), ("restore", "1", "1")))),
    # a signature is signed, and all of it deleted
    "chain": Plan(((("put", "1/r", "T"),), (("delete", "1/r", "A"), ("restore", "1", "1"))),
                  manifests={"A": ("1", ""), "S": ("1", "A"), "T": ("1", "S")}, begin=(("1/r", "A"), ("1/r", "S"))),
    # two new repositories, of which one is too many unless the one that is there goes; it may come back
    "repositories": Plan(((("put", "1/p", "A"),), (("put", "1/q", "A"),), (("drop", "1/r"), ("restore", "1", "1"))),
                         linked=(("1/p", "1"), ("1/q", "1")), repositories=2),
    # a copy to where one repository is there already, and one more may be
    "full": Plan(((COPY,), (("put", "2/t", "A"),)), begin=(("1/r", "A"), ("2/u", "A")), linked=(("2/t", "1"),),
                 repositories=2),
}  # fmt: skip
# Three people who do more each than this have more states than twenty minutes can walk.
DEEP = {
    # an image is copied to another project while it is deleted there, and its layer mounted for another one
    "crowd": Plan(((COPY,), (("delete", "1/r", "A"),), (MOUNT, ("put", "2/s", "B"))),
                  begin=(("1/r", "A"), ("1/r", "S")), manifests=CROWD),
    "there and back": Plan(((COPY,), (("copy", "1/t", "A", "2/s"),), (("drop", "1/r"), ("restore", "1", "1"))),
                           repositories=2),
}  # fmt: skip
# the copy is deleted, and what was copied comes back: with one collector
ALONE = {
    "to and fro": Plan(((COPY, ("delete", "2/s", "A")), (("delete", "1/r", "A"), ("restore", "1", "1"))), crashes=1,
                       begin=(("1/r", "A"), ("1/r", "S")), manifests=CROWD),
}  # fmt: skip
MUTATIONS = {
    "copy-passes-no-source": "copy",
    "copy-leaves-referrers": "copy",
    "copy-charges-nothing": "copy",
    "copy-takes-blobs-as-they-come": "copies",
    "mount-locks-no-source": "mount",
    "mount-locks-nothing": "mount",
    "join-gives-no-lease": "mount",
    "g1-looks-before-it-locks": "mount",
    "g2-looks-before-it-locks": "again",
    "g3-looks-before-it-locks": "push",
    "delete-no-gate": "sign",
    "delete-leaves-referrers": "chain",
    "restore-leaves-referrers": "chain",
    "repositories-counted-early": "repositories",
    "restore-ignores-limits": "repositories",
    "drop-counts-nothing": "repositories",
}
"""What is taken out, and where it is missed."""


def test_every_interleaving_keeps_the_invariants(tell: Callable[[str], None], *, deep: bool) -> None:
    began, states = time.monotonic(), 0
    many = {f"{name}, many": replace(plan, crashes=1, workers=2) for name, plan in {**PLANS, **DEEP}.items()}
    for name, plan in {**PLANS, **({**many, **ALONE} if deep else {})}.items():
        for sqlite in (False, True):
            walk = explore(Across(plan, sqlite=sqlite))
            assert not walk.broken, f"{name}, {'SQLite' if sqlite else 'PostgreSQL'}: {walk.broken}\n" + "\n".join(
                walk.story
            )
            states += walk.states
    tell(f"{states} states of what goes between projects in {time.monotonic() - began:.0f} s, no invariant broken")


@pytest.mark.parametrize(("safeguard", "plan"), MUTATIONS.items())
def test_a_safeguard_that_is_taken_out_is_missed(safeguard: str, plan: str) -> None:
    walk = explore(Across(PLANS[plan], without=safeguard))

    assert walk.broken, f"{safeguard} is not missed in {plan}, {walk.states} states"
