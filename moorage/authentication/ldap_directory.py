"""Query an LDAP directory: users, passwords and groups.

OpenLDAP and Active Directory both pass through here. Every question is one conversation with one deadline
(`ldap_timeout`), however many steps it has; a directory that does not answer is never "no".
"""

import asyncio
import contextlib
import logging
import ssl
import unicodedata
from collections.abc import AsyncIterator, Sequence
from typing import NoReturn

import msgspec
from cryptography import x509

from moorage.authentication.external_accounts import LDAP_GROUP, GroupRef, Known
from moorage.authentication.ldap_groups import Membership, among_groups, group_name, parse_filter, read_entry
from moorage.configuration.schema import Items
from moorage.connection_errors import connect_code
from moorage.errors import DirectoryUnavailable, GroupUnknown, Invalid, Problem
from moorage.ldap import filters
from moorage.ldap.client import (
    INVALID_CREDENTIALS,
    NO_SUCH_OBJECT,
    CertificatesInvalid,
    Connection,
    DirectoryUrlInvalid,
    Entry,
    NotReached,
    Refused,
    Server,
    Step,
    Steps,
    parse_url,
)
from moorage.ldap.names import fold_dn
from moorage.oci.names import fold_user_name, is_user_name

MAX_FOUND = 500
"""Entries that a search of an administrator answers with."""

MAX_PASSWORD_BYTES = 1_024

_ACCOUNT_DISABLED = 0x2
"""Source: MS-ADTS, 2.2.16, userAccountControl."""
_NOT_THIS_PASSWORD = {19, NO_SUCH_OBJECT, 48, INVALID_CREDENTIALS, 53}
"""Answers to a bind that are about this person: constraint violation (a policy has locked the entry), no such entry,
no password that could be compared, wrong password, unwilling (a locked entry). Source: RFC 4511, appendix A."""

log = logging.getLogger("moorage.authentication")


class Person(msgspec.Struct, frozen=True):
    """Somebody as the directory describes them.

    Attributes:
        dn: the entry.
        name: the value of `ldap_uid`, in lower case.
        subject: what names the entry for ever: its UUID, or its name where the directory has none.
        disabled: an administrator of the directory locked the account.
    """

    dn: str
    name: str
    subject: str
    email: str
    realname: str
    disabled: bool = False


class Ping(msgspec.Struct, frozen=True):
    """A directory that was tried: the steps up to the one that failed, or all."""

    ok: bool
    message: str
    steps: Sequence[Step]
    reason: str = ""
    """The code of what failed; "" where none is known."""


class Directory:
    """A directory as the live settings describe it. Cheap to make; every question opens a connection of its own."""

    def __init__(self, items: Items, places: asyncio.Semaphore | None = None) -> None:
        """Take the settings.

        Args:
            items: the `ldap_*` of them are used.
            places: bounds how many conversations there are at once; waiting for a place counts as waiting for the
                directory.
        """
        self._items = items
        self._places = places or asyncio.Semaphore(1)

    async def check(self, name: str, password: str) -> Known | None:
        """Who `name` is, when this is their password; None: it is not, they are unknown, or locked in the directory.

        An unknown name is asked for as long as a known one: a password is sent for it as well.

        Raises:
            DirectoryUnavailable: no answer, or none that says anything about this password.
        """
        if not _can_be_password(password):
            return None
        async with self._talk(" Your password was not checked. Local accounts still work.") as connection:
            entry = await self._find_entry(connection, name)
            right = await self._is_password(connection, entry.dn if entry else self._items.ldap_base_dn, password)
            if entry is None or not right or _is_disabled(entry):
                return None
            await self._bind(connection)  # a person may not be allowed to see groups
            return await self._describe(connection, entry, name)

    async def find(self, name: str) -> Known | None:
        """Who `name` is, without a password: for an administrator who imports people.

        Raises:
            DirectoryUnavailable: no answer.
        """
        async with self._talk() as connection:
            entry = await self._find_entry(connection, name)
            return None if entry is None else await self._describe(connection, entry, name)

    async def find_again(self, subject: str, name: str) -> Known | None:
        """Somebody who signed in before, as they are now; None: gone, locked, or no longer among those who may.

        Args:
            subject: as `Person.subject`.
            name: their name as of then; used where the subject cannot be searched for.

        Raises:
            DirectoryUnavailable: no answer.
        """
        kind, _, text = subject.partition(":")
        ways = {
            "guid": lambda: filters.equals("objectGUID", bytes.fromhex(text)),
            "uuid": lambda: filters.some(filters.equals("entryUUID", text), filters.equals("nsUniqueId", text)),
        }
        wanted = ways[kind]() if kind in ways else filters.equals(self._items.ldap_uid, name)
        among = self._among_people(wanted)
        async with self._talk() as connection:
            found = await connection.search(
                self._items.ldap_base_dn, self._items.ldap_scope, among, self._person_attributes, limit=2
            )
            if len(found) != 1 or _is_disabled(found[0]):
                return None
            return await self._describe(connection, found[0], found[0].text(self._items.ldap_uid))

    async def search_people(self, text: str) -> list[Person]:
        """People whose name (`ldap_uid`) has `text` in it, in the order of their names; at most 500.

        Without those whose name cannot be one here.

        Raises:
            DirectoryUnavailable: no answer.
        """
        items = self._items
        wanted = filters.contains(items.ldap_uid, text) if text else filters.present(items.ldap_uid)
        async with self._talk() as connection:
            found = await connection.search(
                items.ldap_base_dn,
                items.ldap_scope,
                self._among_people(wanted),
                self._person_attributes,
                limit=MAX_FOUND,
            )
        people = [self._person(entry, next(iter(entry.texts(items.ldap_uid)), "")) for entry in found]
        return sorted((person for person in people if is_user_name(person.name)), key=lambda person: person.name)

    async def search_groups(self, text: str) -> list[GroupRef]:
        """Groups whose name has `text` in it, in the order of their names; at most 500. The key is the DN as it came.

        Raises:
            DirectoryUnavailable: no answer.
        """
        items = self._items
        attribute = items.ldap_group_attribute_name or "cn"
        wanted = filters.contains(attribute, text) if text else filters.present(attribute)
        async with self._talk() as connection:
            found = await connection.search(
                items.ldap_group_base_dn or items.ldap_base_dn,
                items.ldap_group_search_scope,
                among_groups(self._items, wanted),
                [attribute],
                limit=MAX_FOUND,
            )
        groups = [GroupRef(LDAP_GROUP, entry.dn, group_name(self._items, entry)) for entry in found]
        return sorted(groups, key=lambda group: (group.name, group.key))

    async def get_group(self, dn: str) -> GroupRef:
        """The group with this distinguished name. Its key is the folded name.

        Raises:
            NameOfEntryInvalid: it is no distinguished name.
            GroupUnknown: there is no such entry, or it does not match the filter of groups.
            DirectoryUnavailable: no answer.
        """
        key = fold_dn(dn)
        attribute = self._items.ldap_group_attribute_name or "cn"
        async with self._talk() as connection:
            entry = await read_entry(
                connection, dn, among_groups(self._items, filters.present("objectClass")), [attribute]
            )
        if entry is None:
            raise GroupUnknown("The directory has no such group.", dn=dn)
        return GroupRef(LDAP_GROUP, key, group_name(self._items, entry))

    async def ping(self) -> Ping:
        """Try every step that signing in needs but the password: resolve, connect, TLS, bind, search.

        A certificate that is not trusted is named: it takes a second connection, on which nothing is said.
        """
        steps = Steps()
        items = self._items
        try:
            async with asyncio.timeout(items.ldap_timeout):
                await self._try_all(steps)
        except (TimeoutError, NotReached, Refused, Invalid, ValueError) as error:
            said = _say(steps, error, items.ldap_timeout)
            if isinstance(error.__cause__, ssl.SSLCertVerificationError):
                said += await self._name_certificate()
            return Ping(False, said, steps.taken, _code(steps, error))
        return Ping(True, ", ".join(f"{step.name} {step.milliseconds:g} ms" for step in steps.taken), steps.taken)

    async def _try_all(self, steps: Steps) -> None:
        items = self._items
        connection = await Connection.open(self._server(), steps)
        try:
            await connection.bind(items.ldap_search_dn, items.ldap_search_password.reveal())
            anybody = self._among_people(filters.present(items.ldap_uid))
            await connection.search(items.ldap_base_dn, items.ldap_scope, anybody, [items.ldap_uid], limit=1)
        finally:
            connection.close()

    async def _name_certificate(self) -> str:
        """Whose certificate the directory shows, in brackets; empty when that cannot be found out."""
        try:
            async with asyncio.timeout(self._items.ldap_timeout):
                connection = await Connection.open(msgspec.structs.replace(self._server(), verify=False), Steps())
        except (TimeoutError, NotReached):
            return ""
        raw = connection.certificate
        connection.close()
        try:
            certificate = x509.load_der_x509_certificate(raw)
            return (
                f" ({certificate.subject.rfc4514_string()}, issued by {certificate.issuer.rfc4514_string()}, "
                f"valid until {certificate.not_valid_after_utc:%Y-%m-%d})"
            )
        except ValueError:
            return ""

    # -- one conversation ----------------------------------------------------------------------------------

    def _server(self) -> Server:
        scheme, host, port = parse_url(self._items.ldap_url)
        return Server(
            host=host,
            port=port,
            tls="ldaps" if scheme == "ldaps" else "start_tls" if self._items.ldap_start_tls else "",
            verify=self._items.ldap_verify_cert,
            ca_pem=self._items.ldap_ca_certificate,
        )

    @contextlib.asynccontextmanager
    async def _talk(self, beside: str = "") -> AsyncIterator[Connection]:
        """A connection on which the account that searches is bound, and a deadline for all that is done with it.

        Raises:
            DirectoryUnavailable: whatever went wrong in between; the log has the step and the reason.
        """
        steps = Steps()
        try:
            async with asyncio.timeout(self._items.ldap_timeout), self._places:
                connection = await Connection.open(self._server(), steps)
                try:
                    await self._bind(connection)
                    yield connection
                finally:
                    connection.close()
        except (TimeoutError, NotReached, Refused, Invalid, ValueError) as error:
            self._fail(steps, error, beside)

    def _fail(self, steps: Steps, error: Exception, beside: str) -> NoReturn:
        """Tell the caller which directory it is, and the log what happened."""
        log.warning("the directory %s: %s", self._items.ldap_url, _say(steps, error, self._items.ldap_timeout))
        with contextlib.suppress(Invalid):
            host = parse_url(self._items.ldap_url)[1]
            seconds = self._items.ldap_timeout
            which = "_SIGN_IN" if beside else ""
            if isinstance(error, TimeoutError):
                said = f"The directory ({host}) did not answer in {seconds} s."
                raise DirectoryUnavailable(
                    said + beside, which=f"DIRECTORY_SLOW{which}", host=host, seconds=seconds
                ) from error
            if isinstance(error, NotReached):
                said = f"The directory ({host}) cannot be reached."
                raise DirectoryUnavailable(said + beside, which=f"DIRECTORY_AWAY{which}", host=host) from error
            said = f"The directory ({host}) cannot be asked as it is set up."
            raise DirectoryUnavailable(said + beside, which="DIRECTORY_MISSET", host=host) from error
        raise DirectoryUnavailable("The directory's address is not valid." + beside) from error

    async def _bind(self, connection: Connection) -> None:
        await connection.bind(self._items.ldap_search_dn, self._items.ldap_search_password.reveal())

    async def _is_password(self, connection: Connection, dn: str, password: str) -> bool:
        try:
            await connection.bind(dn or "cn=nobody", password)
        except Refused as refused:
            if refused.code in _NOT_THIS_PASSWORD:
                return False
            raise
        return True

    # -- people --------------------------------------------------------------------------------------------

    @property
    def _person_attributes(self) -> list[str]:
        items = self._items
        own = (items.ldap_uid, items.ldap_email_attribute, items.ldap_group_membership_attribute)
        known = ("cn", "displayName", "uid", "entryUUID", "objectGUID", "nsUniqueId", "userAccountControl")
        return list({name.lower(): name for name in (*own, *known) if name}.values())

    def _among_people(self, wanted: filters.Filter) -> filters.Filter:
        if not filters.is_attribute(self._items.ldap_uid):
            raise filters.FilterInvalid("ldap_uid is no name of an attribute.")
        return filters.every(wanted, *parse_filter(self._items.ldap_filter))

    async def _find_entry(self, connection: Connection, name: str) -> Entry | None:
        """The one entry of this name. A directory may find more than was asked for (it folds accents and widths)."""
        items = self._items
        wanted = self._among_people(filters.equals(items.ldap_uid, name))
        found = await connection.search(items.ldap_base_dn, items.ldap_scope, wanted, self._person_attributes, limit=2)
        if len(found) > 1:
            log.warning("the directory has several entries whose %s is %r; nobody is signed in", items.ldap_uid, name)
        return found[0] if len(found) == 1 and self._name_of(found[0], name) else None

    def _name_of(self, entry: Entry, name: str) -> str:
        """The entry's own spelling of `name`; empty: it has another name."""
        folded = fold_user_name(name)
        return next((text for text in entry.texts(self._items.ldap_uid) if fold_user_name(text) == folded), "")

    def _person(self, entry: Entry, name: str) -> Person:
        return Person(
            dn=entry.dn,
            name=unicodedata.normalize("NFC", name.lower()),
            subject=_subject(entry),
            email=entry.text(self._items.ldap_email_attribute),
            realname=entry.text("displayName") or entry.text("cn"),
            disabled=_is_disabled(entry),
        )

    async def _describe(self, connection: Connection, entry: Entry, name: str) -> Known:
        person = self._person(entry, self._name_of(entry, name))
        groups, admin = await Membership(self._items, connection, entry, person.name).find()
        return Known(
            source="ldap",
            subject=person.subject,
            name=person.name,
            email=person.email or None,
            realname=person.realname,
            groups=groups,
            admin=admin,
            follow_name=True,
        )


def _can_be_password(password: str) -> bool:
    """Not empty: with no password a directory says yes to everybody (RFC 4513, section 5.1.2)."""
    try:
        return 0 < len(password.encode()) <= MAX_PASSWORD_BYTES and "\0" not in password
    except UnicodeEncodeError:
        return False


def _is_disabled(entry: Entry) -> bool:
    flags = entry.text("userAccountControl")
    return flags.isascii() and flags.isdigit() and bool(int(flags) & _ACCOUNT_DISABLED)


def _subject(entry: Entry) -> str:
    """What names an entry for ever. Source: RFC 4530 (entryUUID); MS-ADTS, 3.1.1.1.4 (objectGUID)."""
    guid = entry.attributes.get("objectguid")
    if guid:
        return f"guid:{guid[0].hex()}"
    uuid = entry.text("entryUUID") or entry.text("nsUniqueId")
    return f"uuid:{uuid.lower()}" if uuid else f"dn:{fold_dn(entry.dn)}"


_BY_REASON = {
    DirectoryUrlInvalid.reason: "SETTING_LDAP_URL",
    CertificatesInvalid.reason: "CA_NOT_PEM",
    filters.FilterInvalid.reason: "SETTING_FILTER",
}


def _code(steps: Steps, error: Exception) -> str:
    """The code of what failed, as the steps have it."""
    failed = next((step for step in steps.taken if not step.ok), None)
    if failed is not None:
        return failed.reason
    if isinstance(error, Problem):
        return _BY_REASON.get(error.reason, "")
    return "LDAP_NO_PASSWORD" if isinstance(error, ValueError) else connect_code(error)


def _say(steps: Steps, error: Exception, timeout_seconds: int) -> str:
    """Which step failed and why, for an administrator."""
    failed = next((step for step in steps.taken if not step.ok), None)
    if isinstance(error, TimeoutError):
        return f"{failed.name if failed else 'connect'}: no answer in {timeout_seconds} s"
    if isinstance(error, ValueError):
        return "bind: the search account has no password"
    return f"{failed.name}: {failed.message}" if failed else str(error)
