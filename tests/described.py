"""Every answer of the REST API that a test gets from a started server is held against our own OpenAPI document.

Whoever asks by httpx needs to do nothing for it: `watch` is called once for the whole run (conftest.py). Requests into
an application of this process are looked at by `api/client.py`, those of the fault tests by `faults/registry.py`, and
schemathesis holds what it asks against the document itself.
"""

from typing import Any

import httpx

from moorage.access.request_context import BASE

checked = 0
"""Answers that were looked at."""


def watch(patch: Any) -> None:
    """Look at what httpx's clients get from now on. `patch`: pytest's, which undoes it."""
    send, send_async = httpx.Client.send, httpx.AsyncClient.send

    def look(self: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        answer = send(self, request, **options)
        _check(request, answer)
        return answer

    async def look_async(self: httpx.AsyncClient, request: httpx.Request, **options: Any) -> httpx.Response:
        answer = await send_async(self, request, **options)
        _check(request, answer)
        return answer

    patch.setattr(httpx.Client, "send", look)
    patch.setattr(httpx.AsyncClient, "send", look_async)


def _check(request: httpx.Request, answer: httpx.Response) -> None:
    """Ours, whole, and not led elsewhere."""
    global checked  # noqa: PLW0603 - the one counter of a run
    target = request.url.raw_path.decode("latin-1")
    if target.startswith(f"{BASE}/") and answer.headers.get("server") == "moorage" and answer.is_closed:
        from tests.api.document import check  # noqa: PLC0415 - the document takes a second to make, where it is asked for

        check(request.method, target, (answer.status_code, answer.headers.get("content-type", ""), answer.content))
        checked += 1
