"""`moorage secrets`: status, rotate, retire. The keys that seal what has to be read back."""

import argparse
import json
from typing import TYPE_CHECKING

from moorage.cli.administration import open_store, print_table
from moorage.cli.arguments import Commands, add_command, add_group, add_json
from moorage.cli.data_folder import is_locked
from moorage.cli.exit_status import DONE, FAILED, UNFIT, Stop
from moorage.cli.prepare import check_keys

if TYPE_CHECKING:
    from moorage.cli.administration import Store
    from moorage.secret_encryption import Seals

_PASSES = 3
"""How often what a running server sealed with the old key meanwhile is sealed again."""


def add(commands: Commands) -> None:
    """Describe the commands."""
    group = add_group(commands, "secrets", "change the key that seals secrets, while servers run")
    command = add_command(group, "status", run_status, does="show the sealing keys and what they seal", examples="""
moorage secrets status
""")  # fmt: skip
    add_json(command)
    command = add_command(group, "rotate", run_rotate, does="seal all secrets again, with a new key", examples="""
moorage secrets rotate
""")  # fmt: skip
    add_json(command)
    command = add_command(group, "retire", run_retire, does="need no sealing key but the newest any more", examples="""
moorage secrets retire
""")  # fmt: skip
    add_json(command)


def run_status(arguments: argparse.Namespace) -> int:
    """Each key that is here or needed: what it does, how many secrets it has sealed, its file."""
    with open_store(arguments) as store:
        seals = check_keys(store.settings)
        counts = _count(store)
    keys = [
        {
            "id": key,
            "state": "seals" if key == seals.key_id else "opens" if key in seals.key_ids else "missing",
            "secrets": counts.get(key, 0),
            "needed": key in counts,
            "file": str(seals.files[key]) if key in seals.files else None,
        }
        for key in dict.fromkeys([*seals.files, *sorted(counts)])
    ]
    if arguments.json:
        print(json.dumps(keys))
    else:
        rows = [
            (one["id"], one["state"], one["secrets"], "yes" if one["needed"] else "no", one["file"]) for one in keys
        ]
        print_table(("key", "state", "secrets", "needed", "file"), [tuple(row) for row in rows])
    return FAILED if any(one["state"] == "missing" for one in keys) else DONE


def run_rotate(arguments: argparse.Namespace) -> int:
    """Make a key unless a rotation is under way, and seal everything with the newest. Safe to repeat."""
    from moorage.system.key_rotation import rotate

    with open_store(arguments) as store:
        seals = check_keys(store.settings)
        counts = _count(store)
        if seals.key_id in counts and not any(count for key, count in counts.items() if key != seals.key_id):
            _make_key(store, seals)
        count, left = 0, 0
        broken: list[str] = []
        for _ in range(_PASSES):
            for done in rotate(store.run, seals):
                broken = list(done.broken)
            count += done.count
            counts = _count(store)
            left = sum(number for key, number in counts.items() if key != seals.key_id) - len(broken)
            if left <= 0:
                break
    old = sorted(key for key in counts if key != seals.key_id)
    if arguments.json:
        print(json.dumps({"key": seals.key_id, "sealed": count, "left": max(left, 0), "broken": broken, "old": old}))
        return FAILED if broken or left > 0 else DONE
    print(f"{count} secrets were sealed again; {seals.key_id} seals from now on: {seals.files[seals.key_id]}")
    for message in broken:
        print(f"It cannot be opened, so it stays: {message}")
    if left > 0:
        print(f"{left} were sealed with an older key meanwhile: restart the servers, and run this again.")
    elif old and not broken:
        print("Restart the servers, so that none seals with an older key; then `moorage secrets retire`.")
    return FAILED if broken or left > 0 else DONE


def run_retire(arguments: argparse.Namespace) -> int:
    """Note that older keys are needed no more, once they seal nothing. Their files stay, for older backups."""
    from moorage.system.key_rotation import retire

    with open_store(arguments) as store:
        seals = check_keys(store.settings)
        counts = _count(store)
        used = {key: count for key, count in counts.items() if count and key != seals.key_id}
        if used or seals.key_id not in counts:
            raise Stop(
                f"{sum(used.values())} secrets are sealed with older keys: run `moorage secrets rotate`.", FAILED
            )
        lock = store.settings.data_folder / "run" / "lock"
        if is_locked(store.settings.data_folder) and lock.stat().st_mtime < seals.files[seals.key_id].stat().st_mtime:
            raise Stop("The server runs since before the newest key and may seal with an older one; restart it.", UNFIT)
        old = store.run(retire, seals.key_id)
    files = [str(seals.files[key]) for key in old if key in seals.files]
    if arguments.json:
        print(json.dumps({"key": seals.key_id, "retired": old, "files": files}))
    elif not old:
        print(f"Only {seals.key_id} is needed.")
    else:
        print(f"Only {seals.key_id} is needed from now on. Keep the older keys with the backups that need them:")
        print("\n".join(files))
    return DONE


def _count(store: "Store") -> dict[str, int]:
    from moorage.system.key_rotation import count_all

    found: dict[str, int] = store.run(count_all)
    return found


def _make_key(store: "Store", seals: "Seals") -> None:
    from moorage.secret_encryption import create_seal_key

    folder = store.settings.seal_key_folder
    try:
        create_seal_key(folder)
    except OSError as error:
        raise Stop(
            f"No key can be made in {folder} ({error.strerror}): put a new one there, and run this again.", UNFIT
        ) from error
    seals.reload()
