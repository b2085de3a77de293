"""`moorage settings`: every boot setting, its value, and where the value came from."""

import argparse
import json

from moorage.cli.administration import print_table
from moorage.cli.arguments import Commands, add_command, add_json, read_settings
from moorage.cli.exit_status import DONE
from moorage.settings import list_keys, shown, value_of


def add(commands: Commands) -> None:
    """Describe the command."""
    command = add_command(commands, "settings", run, does="show each setting, its value and where it came from",
                          examples="""
moorage settings --data /srv/moorage
moorage settings --json | jq -r '.[] | select(.source != "default") | .key'
""")  # fmt: skip
    add_json(command)


def run(arguments: argparse.Namespace) -> int:
    """Print them; secrets as `***`."""
    loaded = read_settings(arguments)
    rows = [
        {
            "key": key.name,
            "value": shown(key, value_of(loaded.settings, key.name)),
            "source": loaded.sources[key.name],
            "variable": key.variable,
        }
        for key in list_keys()
    ]
    if arguments.json:
        print(json.dumps(rows, indent=2))
    else:
        print_table(
            ("SETTING", "VALUE", "FROM"), [(row["key"], json.dumps(row["value"]), row["source"]) for row in rows]
        )
    return DONE
