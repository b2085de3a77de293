"""Workers that wait less than those of the product, so that tests of what they wait for take less."""

from moorage.jobs import worker

HASTE = 5
"""How much sooner workers of these tests look again and give up than those of the product."""
WAITS = ("POLL_SECONDS", "TICK_SECONDS", "STUBBORN_SECONDS", "LEAVE_SECONDS", "BEAT_SECONDS", "DEAD_SECONDS")


def hasten() -> None:
    """Let the workers of this process wait less."""
    for name in WAITS:
        setattr(worker, name, getattr(worker, name) / HASTE)
