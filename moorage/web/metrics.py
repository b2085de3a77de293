"""Counters of this process, in the text form that Prometheus reads.

Source: Prometheus text exposition format 0.0.4.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping

BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0)


class Metrics:
    """What is counted. One per process; a scrape sees the process that answers it.

    Attributes:
        requests: by (method, route, status).
        durations: by (method, route): counts per bucket (the last: longer), and the sum in seconds.
        counters: by name, each with its help text in `HELP`.
    """

    HELP = {  # noqa: RUF012 - a table
        "moorage_upload_bytes_total": "Bytes of blobs received.",
        "moorage_upload_rehashed_total": "Uploads that were read back to be hashed.",
        "moorage_upload_rehashed_bytes_total": "Bytes of uploads that were read back to be hashed.",
        "moorage_blob_verified_total": "Blobs hashed before they were trusted, because their files had been touched.",
        "moorage_blob_damaged_total": "Requests that met a blob whose stored bytes were missing or wrong.",
        "moorage_blob_healed_total": "Blobs whose missing, wrong or touched bytes were replaced by those of a push.",
        "moorage_proxy_manifest_requests_total": "Manifests that proxy caches asked other registries for.",
        "moorage_proxy_blob_requests_total": "Blobs that proxy caches asked other registries for.",
        "moorage_proxy_blob_bytes_total": "Bytes of blobs that proxy caches fetched.",
        "moorage_proxy_stale_total": "Manifests that proxy caches served without being able to look them up.",
    }

    def __init__(self) -> None:
        self.requests: defaultdict[tuple[str, str, int], int] = defaultdict(int)
        self.durations: dict[tuple[str, str], list[float]] = {}
        self.counters: defaultdict[str, int] = defaultdict(int)
        self.inflight = 0

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note a request that was answered."""
        self.requests[method, route, status] += 1
        row = self.durations.get((method, route))
        if row is None:
            row = self.durations[method, route] = [0.0] * (len(BUCKETS) + 2)
        row[bisect_left(BUCKETS, seconds)] += 1
        row[-1] += seconds

    def text(self) -> str:
        """All of it."""
        lines = [
            "# HELP harbor_core_http_inflight_requests Requests that are being answered.",
            "# TYPE harbor_core_http_inflight_requests gauge",
            f"harbor_core_http_inflight_requests {self.inflight}",
            "# HELP harbor_core_http_request_total Requests answered.",
            "# TYPE harbor_core_http_request_total counter",
        ]
        for (method, route, status), number in sorted(self.requests.items()):
            lines.append(
                f'harbor_core_http_request_total{{code="{status}",method="{method}",operation="{route}"}} {number}'
            )
        lines += [
            "# HELP moorage_http_request_duration_seconds Time to answer a request.",
            "# TYPE moorage_http_request_duration_seconds histogram",
        ]
        for (method, route), row in sorted(self.durations.items()):
            labels = f'method="{method}",operation="{route}"'
            total = 0.0
            for bound, count in zip((*map(str, BUCKETS), "+Inf"), row, strict=False):
                total += count
                lines.append(f'moorage_http_request_duration_seconds_bucket{{{labels},le="{bound}"}} {total:.0f}')
            lines.append(f"moorage_http_request_duration_seconds_sum{{{labels}}} {row[-1]:.6f}")
            lines.append(f"moorage_http_request_duration_seconds_count{{{labels}}} {total:.0f}")
        for name, help_text in self.HELP.items():
            lines += [f"# HELP {name} {help_text}", f"# TYPE {name} counter", f"{name} {self.counters[name]}"]
        return "\n".join(lines) + "\n"


def show_family(
    name: str, kind: str, help_text: str, samples: Iterable[tuple[str, Mapping[str, str], float]]
) -> Iterable[str]:
    """The lines of a metric.

    Args:
        kind: gauge, counter or summary.
        samples: what comes behind the name (`_sum` of a summary, else nothing), labels, value.
    """
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} {kind}"
    for suffix, labels, value in samples:
        shown = ",".join(f'{key}="{_escape(text)}"' for key, text in labels.items())
        yield f"{name}{suffix}{{{shown}}} {value:.16g}" if shown else f"{name}{suffix} {value:.16g}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
