"""OpenLDAP's slapd on free ports of 127.0.0.1: plain, and with TLS from a certificate authority of the tests."""

import os
import signal
from pathlib import Path

from tests.parts.base import Part, Server, answers, find_program, free_port, run
from tests.parts.certificates import Authority
from tests.parts.tool import read_version

SUFFIX = "dc=example,dc=test"
ADMIN_DN = f"cn=admin,{SUFFIX}"
ADMIN_PASSWORD = "Adm1n-of-slapd"
_SCHEMAS = ("core", "cosine", "inetorgperson", "nis")
_CONFIGURATION = """
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload refint
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
sizelimit unlimited
database mdb
suffix "{suffix}"
rootdn "{admin}"
rootpw {password}
directory {folder}/db
maxsize 104857600
dbnosync
index objectClass,uid,cn,member,memberOf,mail,entryUUID eq
overlay memberof
memberof-refint TRUE
overlay refint
refint_attributes member
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=search,{suffix}" read by * none
"""
_FIRST_ENTRIES = f"""
dn: {SUFFIX}
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: cn=search,{SUFFIX}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: search
userPassword: S3arch-of-slapd
"""


class Slapd(Part):
    """One server per test process. Only the account `SEARCH_DN` may search it.

    Attributes:
        port: speaks plain LDAP and StartTLS.
        tls_port: speaks LDAPS.
        authority: made its certificate, which is for `localhost` and 127.0.0.1.
    """

    name = "slapd"
    search_dn = f"cn=search,{SUFFIX}"
    search_password = "S3arch-of-slapd"

    def __init__(self) -> None:
        self._server: Server | None = None
        self.port = self.tls_port = 0
        self.authority = Authority("slapd")

    def find(self) -> str:
        """The version of slapd; its tools have to be here as well."""
        self._tool("ldapmodify")
        said = run(self._slapd(), "-VV", check=False)
        return read_version(said.stdout + said.stderr)

    def start(self) -> None:
        """Make an empty directory and start it: 0.3 s."""
        (self.folder / "db").mkdir()
        self.authority.write(self.folder / "ca.pem")
        self.authority.issue(self.folder / "server.pem", self.folder / "server.key", "localhost", "127.0.0.1")
        schemas = "".join(f"include /etc/ldap/schema/{name}.schema\n" for name in _SCHEMAS)
        configuration = self.folder / "slapd.conf"
        configuration.write_text(
            schemas + _CONFIGURATION.format(folder=self.folder, suffix=SUFFIX, admin=ADMIN_DN, password=ADMIN_PASSWORD)
        )
        self.port, self.tls_port = free_port(), free_port()
        self.run()
        self.modify(_FIRST_ENTRIES, add=True)

    def run(self) -> None:
        """Start the server, also again after it was killed; its entries are still there."""
        urls = f"ldap://127.0.0.1:{self.port}/ ldaps://127.0.0.1:{self.tls_port}/"
        command: list[str | Path] = [self._slapd(), "-d", "0", "-f", self.folder / "slapd.conf", "-h", urls]
        self._server = Server(command, self.folder / "slapd.log")
        self._server.wait(lambda: answers(self.port) and answers(self.tls_port), what="slapd", seconds=60)

    def stop(self) -> None:
        """Stop it."""
        if self._server is not None:
            self.go_on()
            self._server.stop()

    def kill(self) -> None:
        """End it as a power cut would, and wait for that."""
        assert self._server is not None
        os.kill(self._server.pid, signal.SIGKILL)
        self._server.stop()

    def freeze(self) -> None:
        """See `Server.freeze`."""
        assert self._server is not None
        self._server.freeze()

    def go_on(self) -> None:
        """See `Server.go_on`."""
        if self._server is not None:
            self._server.go_on()

    def modify(self, ldif: str, *, add: bool = False) -> None:
        """Add or change entries, as LDIF."""
        words = ["-a"] if add else []
        run(
            self._tool("ldapmodify"), *words, "-x", "-H", f"ldap://127.0.0.1:{self.port}", "-D", ADMIN_DN,
            "-w", ADMIN_PASSWORD, input=ldif, seconds=60,
        )  # fmt: skip

    def _slapd(self) -> Path:
        return find_program("slapd", mend="apt-get install slapd ldap-utils")

    def _tool(self, name: str) -> Path:
        return find_program(name, mend="apt-get install slapd ldap-utils")


PART = Slapd
