"""A browser in front of the application: it keeps cookies, sends them back, and knows the CSRF token."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from moorage.configuration.service import set_items
from moorage.secret_encryption import Seals
from tests.api.client import Answer, Server

FORM = "application/x-www-form-urlencoded"


async def configure(server: Server, **changes: Any) -> None:
    """Change live settings, as a PUT at another worker does."""
    await server.run(set_items, Seals(server.settings.seal_key_folder), changes)


@dataclass
class Browser:
    """One browser.

    Attributes:
        cookies: what it holds, by name.
        lines: the last `Set-Cookie` of each, whole.
    """

    server: Server
    cookies: dict[str, str] = field(default_factory=dict)
    lines: dict[str, str] = field(default_factory=dict)

    def on(self, server: Server) -> "Browser":
        """The same browser, with the same cookies, whose next requests reach another worker."""
        return Browser(server, self.cookies, self.lines)

    def copy(self) -> "Browser":
        """Another browser that got hold of the cookies as they are now."""
        return Browser(self.server, dict(self.cookies))

    async def send(self, method: str, target: str, body: bytes = b"", **options: Any) -> Answer:
        """One request with the cookies."""
        headers = dict(options.pop("headers", {}))
        if self.cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = await self.server.send(method, target, body, headers=headers, **options)
        for name, line in answer.headers:
            if name == "set-cookie":
                key, _, value = line.partition(";")[0].partition("=")
                self.lines[key] = line
                if "Max-Age=0" in line:
                    self.cookies.pop(key, None)
                else:
                    self.cookies[key] = value
        return answer

    async def get(self, target: str, **headers: str) -> Answer:
        """GET; keyword arguments are headers (`sec_fetch_site`)."""
        return await self.send("GET", target, headers={key.replace("_", "-"): value for key, value in headers.items()})

    async def post(
        self, path: str, /, *, token: bool = True, headers: dict[str, str] | None = None, **fields: str
    ) -> Answer:
        """POST a form, with the CSRF token if there is one and `token` says so."""
        given = {"content-type": FORM, **(headers or {})}
        if token and "csrf" in self.cookies:
            given.setdefault("x-harbor-csrf-token", self.cookies["csrf"])
        return await self.send("POST", path, urlencode(fields).encode(), headers=given)

    async def post_json(self, target: str, value: object, **headers: str) -> Answer:
        """POST a JSON body."""
        given = {"content-type": "application/json", **headers}
        return await self.send("POST", target, json.dumps(value).encode(), headers=given)

    async def sign_in(self, username: str, password: str) -> Answer:
        """POST /c/login."""
        return await self.post("/c/login", principal=username, password=password)

    async def who(self) -> str | None:
        """The name of the session's owner; None: the REST API knows nobody."""
        if (await self.get("/api/v2.0/users/current")).status == 401:
            return None
        session_id = hashlib.sha256(self.cookies.get("sid", "").encode()).digest()
        statement = "SELECT p.name FROM session s JOIN principal p ON p.id = s.principal_id WHERE s.id = :id"
        return str((await self.server.rows(statement, id=session_id))[0][0])
