"""`moorage migrate`: bring the tables up to date."""

import argparse
import json

from moorage.cli.arguments import Commands, add_command, add_json, read_settings
from moorage.cli.data_folder import find_holder, is_locked
from moorage.cli.exit_status import DONE, UNFIT, Stop
from moorage.cli.prepare import look, migrate_tables
from moorage.db.migrate import HEAD, MigrationRefused, is_current


def add(commands: Commands) -> None:
    """Describe the command."""
    command = add_command(commands, "migrate", run, does="bring the database to this version", examples="""
moorage migrate
MOORAGE_DATABASE__URL=postgresql://moorage@db/moorage moorage migrate
""")  # fmt: skip
    add_json(command)


def run(arguments: argparse.Namespace) -> int:
    """Migrate, and say from where to where. Safe to repeat."""
    settings = read_settings(arguments).settings
    copy = None
    try:
        before = look(settings)[0]
        if not is_current(before):
            if settings.sqlite_file and is_locked(settings.data_folder):
                raise Stop(
                    f"The server with pid {find_holder(settings.data_folder)} uses this database; stop it first.", UNFIT
                )
            if settings.sqlite_file:
                settings.sqlite_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            before, copy = migrate_tables(settings)
    except MigrationRefused as refused:
        raise Stop(str(refused), UNFIT) from refused
    if arguments.json:
        print(json.dumps({"before": before, "revision": HEAD, "copy": str(copy) if copy else None}))
    elif before == HEAD:
        print(f"The tables are at revision {HEAD} already.")
    else:
        kept = f" The database as it was before is kept in {copy}." if copy else ""
        print(f"The tables were brought from {f'revision {before}' if before else 'nothing'} to {HEAD}.{kept}")
    return DONE
