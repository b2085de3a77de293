"""What the commands share: arguments, and reading the settings from them."""

import argparse
from collections.abc import Callable
from typing import TypeAlias

from moorage.cli.exit_status import UNFIT, Stop
from moorage.cli.settings_loader import Loaded, SettingInvalid, load

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - it has no other name
Run: TypeAlias = Callable[[argparse.Namespace], int]

FLAGS = {name: name for name in ("data", "listen", "workers", "tls_cert", "tls_key")} | {"slots": "jobs.slots"}
"""Flags that are settings, and the keys of these."""


def add_command(commands: Commands, name: str, run: Run, *, does: str, examples: str) -> argparse.ArgumentParser:
    """A command with `--data` and `--config`, what it does, and its examples."""
    command = commands.add_parser(
        name,
        help=does,
        description=f"{does[0].upper()}{does[1:]}.",
        epilog="examples:\n" + "\n".join(f"  {line}" for line in examples.strip().splitlines()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.set_defaults(run=run)
    command.add_argument("--data", metavar="DIR", help="the data folder (default: data)")
    command.add_argument("--config", metavar="FILE", help="a settings file (default: DIR/moorage.toml, if it is there)")
    return command


def add_group(commands: Commands, name: str, does: str) -> Commands:
    """A word that is followed by a command: `moorage user create`."""
    group = commands.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}.", allow_abbrev=False)
    return group.add_subparsers(title="commands", metavar="COMMAND", required=True)


def add_json(command: argparse.ArgumentParser) -> None:
    """`--json`, for scripts."""
    command.add_argument("--json", action="store_true", help="print JSON, for scripts")


def read_settings(arguments: argparse.Namespace) -> Loaded:
    """The settings that this command line, the environment and the settings file give.

    Raises:
        Stop: one of them cannot be used.
    """
    given = {key: getattr(arguments, name, None) for name, key in FLAGS.items()}
    try:
        return load({name: value for name, value in given.items() if value is not None}, config=arguments.config)
    except SettingInvalid as error:
        raise Stop(str(error), UNFIT) from error
