"""The machine: what it is, what its limits are, and what a process tree takes of its memory."""

import os
import re
import time
from pathlib import Path

from tests.bench.load import Wrong, run

GIB = 1 << 30


def describe() -> dict[str, str]:
    """Name and versions, for the report."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {
        "cpu": f"{os.cpu_count()} x {cpu[1] if cpu else 'unknown'}",
        "kernel": os.uname().release,
        "load before": f"{os.getloadavg()[0]:.1f}",
        "wrk": _version("wrk", "-v", pattern=r"wrk \S+ ?\S*"),
        "curl": _version("curl", "--version", pattern=r"curl \S+"),
        "openssl": _version("openssl", "version", pattern=r"OpenSSL \S+"),
        "nginx": _version("nginx", "-v", pattern=r"nginx/\S+"),
        "docker-registry": _version("docker-registry", "--version", pattern=r"\d\S+"),
    }


def hash_seconds() -> float:
    """How long `openssl speed` would take to hash 1 GiB with sha256."""
    printed = run(hash_command())
    rate = re.findall(r"^sha256\s+([\d.]+)k", printed, re.MULTILINE)
    if not rate:
        raise Wrong(f"openssl speed printed {printed[-300:]!r}")
    return GIB / (float(rate[0]) * 1000)


def hash_command() -> list[str]:
    """Its command line."""
    return ["openssl", "speed", "-seconds", "1", "-bytes", "16384", "-evp", "sha256"]


def write_command(file: Path) -> list[str | Path]:
    """`dd` of 1 GiB with one fsync at the end."""
    return ["dd", "if=/dev/zero", f"of={file}", "bs=4M", "count=256", "conv=fsync", "status=none"]


def write_seconds(file: Path) -> float:
    """How long it takes."""
    began = time.perf_counter()
    run(write_command(file))
    took = time.perf_counter() - began
    file.unlink()
    return took


def sync_seconds(file: Path, count: int) -> float:
    """How long it takes to append 4 KiB and have them on the disk, `count` times."""
    page = b"\0" * 4096
    with file.open("wb", buffering=0) as out:
        began = time.perf_counter()
        for _ in range(count):
            out.write(page)
            os.fdatasync(out.fileno())
        took = time.perf_counter() - began
    file.unlink()
    return took


def memory_mb(root: int) -> float:
    """The sum of PSS of a process and all that came from it, in MB (10^6 bytes)."""
    total = 0
    for pid in _tree(root):
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue  # it ended meanwhile
        found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
        total += int(found[1]) if found else 0
    return total * 1024 / 1e6


def cpu_seconds(root: int) -> float:
    """Processor time of a process and all that came from it and still lives; 0 for the pid 0."""
    ticks = 0
    for pid in _tree(root) if root else ():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _tree(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except OSError:
                continue
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(folder.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def _version(*words: str, pattern: str) -> str:
    printed = run(["sh", "-c", f"{' '.join(words)} 2>&1 || true"])
    found = re.search(pattern, printed)
    return found[0] if found else "not found"
