"""Run every static check and say at the end which failed: `python tools/check.py`.

They run one after the other, all of them, so that one look shows everything there is to mend.
"""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

CHECKS: dict[str, list[str]] = {
    "ruff": ["ruff", "check", "--quiet", "."],
    "format": ["ruff", "format", "--check", "--quiet", "."],
    "mypy": ["mypy", "--no-error-summary"],
    "import-linter": ["lint-imports", "--no-logo"],
    "codespell": ["codespell"],
    "docs": ["mkdocs", "build", "--strict", "--quiet", "--site-dir", "build/docs"],
}


def main() -> int:
    """The number of checks that failed."""
    failed = []
    for name, (program, *arguments) in CHECKS.items():
        began = time.monotonic()
        done = subprocess.run([BIN / program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        print(f"{name:<14} {time.monotonic() - began:6.1f} s  {'failed' if done.returncode else 'ok'}", flush=True)
        if done.returncode:
            failed.append(name)
            print(done.stdout + done.stderr, flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}. `make fix` mends what can be mended by itself.")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
