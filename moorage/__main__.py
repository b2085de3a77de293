"""The entry point: `moorage` and `python -m moorage`."""

import argparse
import os
import sys

from moorage import __version__
from moorage.cli import check, fsck, gc, member, migrate, project, restore, secrets, serve, settings, user, work
from moorage.cli.exit_status import DONE, FAILED, MEANINGS, Stop

GROUPS = (serve, work, check, settings, migrate, user, project, member, restore, gc, fsck, secrets)


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    statuses = "\n".join(f"  {status}  {meaning}" for status, meaning in MEANINGS.items())
    parser = argparse.ArgumentParser(
        prog="moorage",
        description="A registry for container images and other OCI artifacts that a team runs itself.",
        epilog=f"exit statuses:\n{statuses}\n\n"
        "Settings come from defaults, DIR/moorage.toml, MOORAGE_... variables and flags, in this order:\n"
        "`moorage settings` shows each with its value and where it came from.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"moorage {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for group in GROUPS:
        group.add(commands)
    return parser


def main(words: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = build_parser().parse_args(words)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except Stop as stop:
        print(f"moorage: {stop}", file=sys.stderr)
        return stop.status
    except KeyboardInterrupt:
        print("moorage: interrupted", file=sys.stderr)
        return FAILED
    except BrokenPipeError:  # `moorage user list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return status


if __name__ == "__main__":
    sys.exit(main())
