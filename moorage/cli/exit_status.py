"""The exit statuses, and the exception that ends a command with one."""

DONE = 0
FAILED = 1
USAGE = 2
UNFIT = 3
UNREACHABLE = 4

MEANINGS = {
    DONE: "done",
    FAILED: "what was asked for could not be done; or `check` found something",
    USAGE: "the command line is wrong",
    UNFIT: "the settings or their surroundings do not allow it: a setting, a file, an owner, a port, a revision",
    UNREACHABLE: "the database or the storage cannot be reached",
}
"""What each status means; `moorage --help` and docs/operate/cli.md show it."""


class Stop(Exception):
    """Ends the command with one sentence on standard error."""

    def __init__(self, message: str, status: int = FAILED) -> None:
        super().__init__(message)
        self.status = status
