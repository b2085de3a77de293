"""Serve ./data, and start the server again whenever a file of moorage/ changes: `python tools/dev.py`."""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOOK_SECONDS = 0.5
STOP_SECONDS = 15


def look() -> dict[Path, int]:
    """When each file was last changed."""
    found = {}
    for path in (ROOT / "moorage").rglob("*.py"):
        try:
            found[path] = path.stat().st_mtime_ns
        except FileNotFoundError:  # gone between the listing and now
            continue
    return found


def start() -> "subprocess.Popen[bytes]":
    """Start the server in this folder."""
    return subprocess.Popen([sys.executable, "-m", "moorage", "serve", "--data", "data"], cwd=ROOT)


def stop(server: "subprocess.Popen[bytes]") -> None:
    """Ask it to stop, and kill it when it does not."""
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def main() -> None:
    """Serve until Ctrl-C. A server that ended by itself is started again with the next change."""
    seen, server = look(), start()
    try:
        while True:
            time.sleep(LOOK_SECONDS)
            now = look()
            if now == seen:
                continue
            changed = sorted(
                path.relative_to(ROOT).as_posix()
                for path in now.keys() | seen.keys()
                if now.get(path) != seen.get(path)
            )
            print(f"changed: {', '.join(changed[:3])}", file=sys.stderr)
            seen = now
            stop(server)
            server = start()
    except KeyboardInterrupt:
        stop(server)


if __name__ == "__main__":
    main()
