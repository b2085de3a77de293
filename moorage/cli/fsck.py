"""`moorage fsck`: compare storage and database, both ways."""

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from moorage.cli.administration import Store, open_store
from moorage.cli.arguments import Commands, add_command, add_json
from moorage.cli.exit_status import DONE, FAILED, UNREACHABLE, Stop

if TYPE_CHECKING:
    from moorage.gc.fsck import Checked, Finding


def add(commands: Commands) -> None:
    """Describe the command."""
    command = add_command(commands, "fsck", run, does="compare storage and database, both ways", examples="""
moorage fsck
moorage fsck --rehash
moorage fsck --repair --json | jq '.findings[] | select(.mended == "")'
""")  # fmt: skip
    command.add_argument("--rehash", action="store_true", help="read and hash every blob: finds bytes that rotted")
    command.add_argument(
        "--repair",
        action="store_true",
        help="mend what can be mended without losing anything: seal touched files anew, give a damaged blob other "
        "bytes of its digest that lie about, remove leftovers of uploads, count sums anew",
    )
    command.add_argument(
        "--delete-unknown",
        action="store_true",
        help="let `moorage gc` delete bytes that no row names; not after a restore: they may be what is left of a push",
    )
    add_json(command)


def run(arguments: argparse.Namespace) -> int:
    """Check, and mend as asked; 1 when any damage is left."""
    with open_store(arguments) as store:
        checked = asyncio.run(_check(store, arguments))
    left = [finding for finding in checked.findings if not finding.mended and finding.damage != "touched"]
    if arguments.json:
        _print_json(checked)
    else:
        _print(checked, len(left))
    return FAILED if left else DONE


async def _check(store: Store, arguments: argparse.Namespace) -> "Checked":
    from moorage.errors import Unavailable
    from moorage.gc.fsck import Fsck, Wanted
    from moorage.storage.drivers import open_storage

    tells = not arguments.json and sys.stderr.isatty()

    async def watch(checked: "Checked") -> None:
        if tells:
            line = f"{checked.objects} objects listed, {checked.blobs} of {checked.total} blobs checked"
            print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)

    storage = open_storage(store.settings)
    wanted = Wanted(rehash=arguments.rehash, repair=arguments.repair, delete_unknown=arguments.delete_unknown)
    try:
        await storage.open()
        return await Fsck(store.database, storage, wanted).run(watch)
    except Unavailable as problem:
        raise Stop(str(problem), UNREACHABLE) from problem
    finally:
        if tells:
            print("\r\x1b[K", end="", file=sys.stderr)
        await storage.close()


def _print_json(checked: "Checked") -> None:
    findings = [asdict(one) for one in checked.findings]
    facts = {
        "objects": checked.objects, "blobs": checked.blobs, "hashed_bytes": checked.hashed_bytes,
        "projects": checked.projects,
    }  # fmt: skip
    print(json.dumps({**facts, "findings": findings}))


def _print(checked: "Checked", left: int) -> None:
    from moorage.gc.fsck import MEANINGS

    kinds = list(MEANINGS)
    for finding in sorted(checked.findings, key=lambda one: (kinds.index(one.damage), one.key)):
        _print_finding(finding)
    count = len(checked.findings)
    if not count:
        print(f"{checked.blobs} blobs and {checked.objects} objects fit each other. Nothing is wrong.")
        return
    print(
        f"{checked.blobs} blobs and {checked.objects} objects were compared; {count} findings, {left} of them to mend."
    )
    damages = {finding.damage for finding in checked.findings if not finding.mended}
    if damages & {"lost", "short", "wrong"}:
        print("Push the images named above again from where they still are: a push heals a damaged blob everywhere.")
    if damages & {"touched", "leftover", "sum"}:
        print(
            "Run `moorage fsck --repair` to seal touched files anew, to remove leftovers of uploads, and to count sums "
            "anew."
        )
    if "unknown" in damages:
        print(
            "What no row names may be pushes that a restored database forgot: keep it until you know that it is not. "
            "Then `moorage fsck --delete-unknown`, and `moorage gc`."
        )


def _print_finding(finding: "Finding") -> None:
    from moorage.gc.fsck import MEANINGS
    from moorage.quotas.service import format_size

    size = f", {format_size(finding.size_bytes)}" if finding.size_bytes else ""
    state = f" [{finding.mended}]" if finding.mended else ""
    if finding.damage == "sum":
        size = f" {finding.counted}, it should be {finding.expected}"
    print(f"{finding.damage}: {finding.key}{size}: {MEANINGS[finding.damage]}{state}")
    for reference in finding.breaks:
        print(f"    breaks {reference}")
    if finding.breaks_count > len(finding.breaks):
        print(f"    and {finding.breaks_count - len(finding.breaks)} more")
