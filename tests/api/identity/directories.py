"""A directory with people and groups of one test, on OpenLDAP or Active Directory; and settings that name it."""

import itertools
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from moorage.configuration.schema import Items
from moorage.settings import Secret
from tests.parts.samba import SUFFIX as AD_SUFFIX
from tests.parts.samba import Samba
from tests.parts.slapd import SUFFIX, Slapd

PASSWORD = "R1ght-password"

_number = itertools.count(1)


@dataclass
class Person:
    """Somebody in a directory."""

    name: str
    dn: str
    password: str = PASSWORD


@dataclass
class Town:
    """A branch of a directory, of one test's own. Names get its number, as a whole domain has each name once."""

    part: Slapd | Samba
    number: int
    suffix: str

    @property
    def is_ad(self) -> bool:
        """Whether it is Active Directory."""
        return isinstance(self.part, Samba)

    @property
    def base(self) -> str:
        """The branch."""
        return f"ou=t{self.number},{self.suffix}"

    @property
    def url(self) -> str:
        """Plain LDAP."""
        return f"ldap://{self.part.host}" if isinstance(self.part, Samba) else f"ldap://127.0.0.1:{self.part.port}"

    @property
    def tls_url(self) -> str:
        """LDAPS."""
        if isinstance(self.part, Samba):
            return f"ldaps://{self.part.host}"
        return f"ldaps://127.0.0.1:{self.part.tls_port}"

    @property
    def tls(self) -> dict[str, Any]:
        """Settings for somebody who has to change passwords, or wants to be safe."""
        return {"ldap_url": self.tls_url, "ldap_ca_certificate": self.part.authority.pem}

    def items(self, **changes: Any) -> Items:
        """Live settings under which its people sign in and its groups are read."""
        settings: dict[str, Any] = {
            "auth_sources": ("local", "ldap"), "ldap_url": self.url, "ldap_timeout": 20,
            "ldap_search_dn": self.part.search_dn, "ldap_search_password": Secret(self.part.search_password),
            "ldap_base_dn": self.base, "ldap_uid": "sAMAccountName" if self.is_ad else "uid",
            "ldap_group_base_dn": self.base,
            "ldap_group_search_filter": "(objectClass=group)" if self.is_ad else "(objectClass=groupOfNames)",
        }  # fmt: skip
        return Items(**{**settings, **changes})

    def name(self, word: str) -> str:
        """A name that only this test has."""
        return f"{word}{self.number}"

    def person(self, word: str, *, rdn: str = "", **attributes: str) -> Person:
        """Add somebody. `rdn`: the value that names the entry, if it is not the user name."""
        name = self.name(word)
        kind = "cn" if self.is_ad or rdn else "uid"
        dn = f"{kind}={rdn or name},{self.base}"
        values = {"mail": f"{name.lower()}@example.test", **attributes}
        if self.is_ad:
            facts = {"sAMAccountName": name, "userAccountControl": "512", **values}
            self.part.modify(ldif(dn, ["user"], facts, quoted(PASSWORD)), add=True)
        else:
            facts = {
                "uid": name,
                "sn": name,
                "userPassword": PASSWORD,
                **({} if rdn else {"cn": f"{name} N"}),
                **values,
            }
            self.part.modify(ldif(dn, ["inetOrgPerson"], facts), add=True)
        return Person(name, dn)

    def group(self, word: str, *members: Person | str) -> str:
        """Add a group and return its DN."""
        dn = f"cn={self.name(word)},{self.base}"
        dns = [member if isinstance(member, str) else member.dn for member in members]
        kind = ["group"] if self.is_ad else ["groupOfNames"]
        facts = {} if self.is_ad else {"member": self.base}
        lines = "".join(line("member", member) for member in dns)
        self.part.modify(ldif(dn, kind, {} if dns else facts) + lines, add=True)
        return dn

    def leave(self, group: str, person: Person | str) -> None:
        """Take somebody out of a group."""
        self.change(group, "delete", "member", person if isinstance(person, str) else person.dn)

    def join(self, group: str, person: Person | str) -> None:
        """Put somebody into a group."""
        self.change(group, "add", "member", person if isinstance(person, str) else person.dn)

    def change(self, dn: str, verb: str, attribute: str, value: str) -> None:
        """Add, replace or delete a value."""
        self.part.modify(f"{line('dn', dn)}changetype: modify\n{verb}: {attribute}\n{line(attribute, value)}-\n")

    def set_password(self, person: Person, password: str) -> None:
        """Give somebody another password."""
        if self.is_ad:
            attribute = f"replace: unicodePwd\nunicodePwd:: {quoted(password)}\n-\n"
            self.part.modify(f"{line('dn', person.dn)}changetype: modify\n{attribute}")
        else:
            self.change(person.dn, "replace", "userPassword", password)

    def rename(self, person: Person, word: str) -> Person:
        """Give somebody another name; the entry stays the same."""
        name = self.name(word)
        if self.is_ad:
            self.change(person.dn, "replace", "sAMAccountName", name)
        kind = "cn" if self.is_ad else "uid"
        new = f"{line('dn', person.dn)}changetype: modrdn\nnewrdn: {kind}={name}\ndeleteoldrdn: 1\n"
        self.part.modify(new)
        return Person(name, f"{kind}={name},{self.base}")

    def remove(self, dn: str) -> None:
        """Delete an entry."""
        self.part.modify(f"{line('dn', dn)}changetype: delete\n")


def make_town(part: Slapd | Samba) -> Town:
    """A new, empty branch."""
    town = Town(part, next(_number), AD_SUFFIX if isinstance(part, Samba) else SUFFIX)
    part.modify(ldif(town.base, ["organizationalUnit"], {"ou": f"t{town.number}"}), add=True)
    return town


def ldif(dn: str, classes: list[str], facts: dict[str, str], password: str = "") -> str:
    """One entry, to be added."""
    text = line("dn", dn) + "".join(line("objectClass", name) for name in classes)
    text += "".join(line(name, value) for name, value in facts.items())
    return text + (f"unicodePwd:: {password}\n" if password else "")


def line(name: str, value: str) -> str:
    """One line of LDIF, whatever is in the value."""
    return f"{name}:: {b64encode(value.encode()).decode()}\n"


def quoted(password: str) -> str:
    """A password as Active Directory wants it. Source: MS-ADTS, 3.1.1.3.1.5."""
    return b64encode(f'"{password}"'.encode("utf-16-le")).decode()
