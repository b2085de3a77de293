"""Samba as an Active Directory domain controller, on a loopback address of its own: its ports cannot be chosen.

Making a domain takes 5 s of a core, so an empty one is kept in the cache and unpacked for each test process.
"""

import fcntl
import hashlib
import os
import random
import shutil
import tarfile
from pathlib import Path

from tests.parts.base import Missing, Part, Server, find_program, run
from tests.parts.certificates import Authority
from tests.parts.tool import read_version
from tools.build_go_tools import cache

SUFFIX = "DC=ad,DC=example,DC=test"
ADMIN_DN = f"CN=Administrator,CN=Users,{SUFFIX}"
ADMIN_PASSWORD = "Adm1n-of-samba"
_MEND = "apt-get install samba samba-ad-dc samba-ad-provision samba-dsdb-modules winbind ldap-utils"
_PROVISION = (
    "domain", "provision", "--realm=AD.EXAMPLE.TEST", "--domain=EXAMPLE", "--server-role=dc", "--dns-backend=NONE",
    f"--adminpass={ADMIN_PASSWORD}", "--host-name=dc1", "--host-ip=127.0.0.1", "--option=interfaces=lo 127.0.0.1/8",
    "--option=bind interfaces only=yes",
)  # fmt: skip


class Samba(Part):
    """One domain controller per test process; it serves LDAP, LDAPS and StartTLS and nothing else.

    Attributes:
        host: its address, `127.x.y.z`; LDAP is on port 389, LDAPS on 636.
        authority: made its certificate, which is for that address.
    """

    name = "samba"
    search_dn = ADMIN_DN
    search_password = ADMIN_PASSWORD

    def __init__(self) -> None:
        self._server: Server | None = None
        self.authority = Authority("samba")
        self.host = ""

    def find(self) -> str:
        """The version of samba; it can only run as root."""
        version = read_version(run(find_program("samba", mend=_MEND), "--version").stdout)
        for program in ("samba-tool", "ldapmodify"):
            find_program(program, mend=_MEND)
        modules = list(Path("/usr/lib").glob("*/samba/ldb/descriptor.so"))
        if not modules or not Path("/usr/share/samba/setup/provision.ldif").exists():
            raise Missing(f"the parts of samba for a domain controller are not installed ({_MEND})")
        if os.geteuid() != 0:
            raise Missing("a domain controller needs root")
        return version

    def start(self) -> None:
        """Unpack a domain and serve it: 1 s; 5 to 20 s more where there is none in the cache."""
        with tarfile.open(self._provisioned()) as archive:
            archive.extraction_filter = getattr(tarfile, "tar_filter", None)  # Python before 3.11.4 has none
            archive.extractall(self.folder)  # noqa: S202 - what `_provisioned` has put there
        numbers = random.SystemRandom()
        self.host = f"127.{numbers.randint(64, 127)}.{numbers.randint(1, 254)}.{numbers.randint(1, 254)}"
        self.authority.write(self.folder / "ca.pem")
        self.authority.issue(self.folder / "server.pem", self.folder / "server.key", self.host)
        options = {
            "server services": "ldap", "ldap server require strong auth": "no",
            "interfaces": f"{self.host}/8", "bind interfaces only": "yes",
            "old password allowed period": "0",  # minutes that a password works after it was changed; 60 otherwise
            "tls cafile": self.folder / "ca.pem", "tls certfile": self.folder / "server.pem",
            "tls keyfile": self.folder / "server.key",
            "private dir": self.folder / "ad/private", "state directory": self.folder / "ad/state",
            "cache directory": self.folder / "ad/cache", "log file": self.folder / "samba.log",
        }  # fmt: skip
        for name in ("pid directory", "ncalrpc dir", "lock directory"):
            options[name] = self.folder / name.split()[0]
            (self.folder / name.split()[0]).mkdir()
        configuration = self.folder / "ad/etc/smb.conf"
        words = [f"--option={name}={value}" for name, value in options.items()]
        self._server = Server(
            [find_program("samba", mend=_MEND), "-i", "-M", "single", "-s", configuration, *words],
            self.folder / "output.log",
        )
        self._server.wait(self._answers, what="samba", seconds=90)

    def stop(self) -> None:
        """Stop it."""
        if self._server is not None:
            self.go_on()
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
        """Add or change entries, as LDIF; over TLS, which setting a password needs."""
        words = ["-a"] if add else []
        run(
            find_program("ldapmodify", mend=_MEND), *words, "-x", "-H", f"ldaps://{self.host}", "-D", ADMIN_DN,
            "-w", ADMIN_PASSWORD, input=ldif, seconds=30,
            env={**os.environ, "LDAPTLS_CACERT": str(self.folder / "ca.pem")},
        )  # fmt: skip

    def _answers(self) -> bool:
        """The port opens before the domain is loaded, so a search is the question."""
        asked = run(
            find_program("ldapsearch", mend=_MEND), "-x", "-H", f"ldap://{self.host}", "-o", "nettimeout=2",
            "-s", "base", "-b", "", "defaultNamingContext", check=False, seconds=60,
        )  # fmt: skip
        return asked.returncode == 0 and SUFFIX in asked.stdout

    def _provisioned(self) -> Path:
        """An archive of a domain with nobody in it but its administrator."""
        place = cache() / "samba"
        place.mkdir(parents=True, exist_ok=True)
        wanted = f"{self.find()} {_PROVISION}"
        kept = place / f"{hashlib.sha256(wanted.encode()).hexdigest()[:16]}.tar"
        with (place / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                made = self.folder / "made"
                run(find_program("samba-tool", mend=_MEND), *_PROVISION, f"--targetdir={made}/ad", seconds=120)
                for waste in (made / "ad").rglob("ldapi"):
                    waste.unlink(missing_ok=True)
                with tarfile.open(f"{kept}.part", "w") as archive:
                    archive.add(made / "ad", "ad")
                shutil.rmtree(made)
                Path(f"{kept}.part").rename(kept)
        return kept


PART = Samba
