"""Debian's docker-registry (distribution 2.8): a second registry to copy from and to, and to compare with."""

import http.client

from tests.parts.base import Part, Server, find_program, free_port, run
from tests.parts.tool import read_version

SETTINGS = """\
version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
auth: {{htpasswd: {{realm: docker-registry, path: {folder}/htpasswd}}}}
"""


class DockerRegistry(Part):
    """One registry per test process, with one account.

    Attributes:
        host: `127.0.0.1:PORT`.
        username: the account's name.
        password: its password.
    """

    name = "docker_registry"
    host = ""
    username = "alice"
    password = "Look1ng-glass"

    def __init__(self) -> None:
        self._server: Server | None = None

    def find(self) -> str:
        """Its version."""
        find_program("htpasswd", mend="apt-get install apache2-utils")
        program = find_program("docker-registry", mend="apt-get install docker-registry")
        return read_version(run(program, "--version").stdout)

    def start(self) -> None:
        """Start it: well under 1 s."""
        port = free_port()
        self.host = f"127.0.0.1:{port}"
        settings = self.folder / "config.yml"
        settings.write_text(SETTINGS.format(folder=self.folder, port=port))
        hashed = run("htpasswd", "-i", "-B", "-n", self.username, input=self.password).stdout
        (self.folder / "htpasswd").write_text(hashed)
        self._server = Server(
            [find_program("docker-registry", mend="apt-get install docker-registry"), "serve", settings],
            self.folder / "docker-registry.log",
        )
        self._server.wait(self._answers, what="docker-registry")

    def stop(self) -> None:
        """Stop it."""
        if self._server is not None:
            self._server.stop()

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(self.host, timeout=2)
        try:
            connection.request("GET", "/v2/")
            return connection.getresponse().status == http.HTTPStatus.UNAUTHORIZED
        except OSError:
            return False
        finally:
            connection.close()


PART = DockerRegistry
