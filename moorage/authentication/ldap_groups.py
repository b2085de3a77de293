"""Find the groups of a user in an LDAP directory, nested ones included."""

import contextlib
import logging
import re
from collections.abc import Iterable, Mapping, Sequence

from moorage.authentication.external_accounts import LDAP_GROUP, MAX_GROUPS, GroupRef
from moorage.configuration.schema import Items
from moorage.ldap import filters
from moorage.ldap.client import BASE, NO_SUCH_OBJECT, ONE_LEVEL, Connection, Entry, Refused
from moorage.ldap.names import NameOfEntryInvalid, fold_dn
from moorage.users.groups import MAX_GROUP_NAME_CHARACTERS

_MEMBER_ATTRIBUTES = ("member", "uniqueMember")
_IN_CHAIN = "1.2.840.113556.1.4.1941"
"""Active Directory's rule that follows groups in groups. Source: MS-ADTS, 3.1.1.3.4.4.3."""
_MAX_DEPTH = 20
_MAX_LONE_GROUPS = 100
_NAMES_AT_ONCE = 50
_PARENT = re.compile(r"(?:[^,\\]|\\.)*,")

log = logging.getLogger("moorage.authentication")


class Membership:
    """The groups of one person, and whether the group of administrators is among them."""

    def __init__(self, items: Items, connection: Connection, entry: Entry, name: str) -> None:
        self._items = items
        self._connection = connection
        self._entry = entry
        self._name = name
        self._attribute = items.ldap_group_attribute_name or "cn"
        self._chains = items.ldap_nested_groups and "objectguid" in entry.attributes
        self._named = _fold_all(entry.texts(items.ldap_group_membership_attribute))
        self._found: dict[str, GroupRef] = {}
        self._dns: dict[str, str] = dict(self._named)

    async def find(self) -> tuple[list[GroupRef], bool]:
        """All groups below `ldap_group_base_dn` that match the filter; whether one is `ldap_group_admin_dn`."""
        if self._items.ldap_group_base_dn:
            await self._search(self._of_person())
            await self._read_named()
            if self._items.ldap_nested_groups and not self._chains:
                await self._walk()
        if len(self._found) > MAX_GROUPS:
            log.warning("%r is in more than %d groups of the directory; the rest is left out", self._name, MAX_GROUPS)
        return [self._found[key] for key in sorted(self._found)], await self._is_admin()

    def _of_person(self) -> filters.Filter:
        """What groups look like that have the person as a member."""
        uid = self._entry.text("uid") or self._name
        ways = [filters.equals(attribute, self._entry.dn) for attribute in _MEMBER_ATTRIBUTES]
        ways += [filters.equals("memberUid", uid)]
        ways += [filters.by_rule("member", _IN_CHAIN, self._entry.dn)] if self._chains else []
        return filters.some(*ways)

    async def _search(self, wanted: filters.Filter) -> list[str]:
        """Take in the groups that match and return the DNs of those that are new."""
        items = self._items
        found = await self._connection.search(
            items.ldap_group_base_dn,
            items.ldap_group_search_scope,
            among_groups(self._items, wanted),
            [self._attribute],
            limit=MAX_GROUPS + 1,
        )
        return [entry.dn for entry in found if self._take(entry)]

    def _take(self, entry: Entry) -> bool:
        try:
            key = fold_dn(entry.dn)
        except NameOfEntryInvalid:
            return False
        if key in self._found:
            return False
        self._found[key] = GroupRef(LDAP_GROUP, key, group_name(self._items, entry))
        self._dns[key] = entry.dn
        return True

    async def _read_named(self) -> None:
        """Groups that only the person's own attribute tells of: dynamic ones, for example."""
        base = fold_dn(self._items.ldap_group_base_dn)
        scope = self._items.ldap_group_search_scope
        lone = [dn for key, dn in self._named.items() if key not in self._found and _is_below(key, base, scope)]
        wanted = among_groups(self._items, filters.present("objectClass"))
        for dn in lone[:_MAX_LONE_GROUPS]:
            entry = await read_entry(self._connection, dn, wanted, [self._attribute])
            if entry is not None:
                self._take(entry)

    async def _walk(self) -> None:
        """Groups that have one of the groups as a member, and so on; each is asked about once."""
        edge = list(self._dns.values())
        for _ in range(_MAX_DEPTH):
            if not edge or len(self._found) > MAX_GROUPS:
                return
            asked, edge = edge, []
            for at in range(0, len(asked), _NAMES_AT_ONCE):
                edge += await self._search(_has_member(asked[at : at + _NAMES_AT_ONCE]))

    async def _is_admin(self) -> bool:
        dn = self._items.ldap_group_admin_dn
        if not dn:
            return False
        key = fold_dn(dn)
        if key in self._found or key in self._named:
            return True
        ways = [self._of_person()]
        if self._items.ldap_nested_groups:
            ways += [_has_member(part) for part in _parts(list(self._dns.values()))]
        return await read_entry(self._connection, dn, filters.some(*ways), ["1.1"]) is not None


def among_groups(items: Items, wanted: filters.Filter) -> filters.Filter:
    """What matches `wanted` and `ldap_group_search_filter`.

    Raises:
        FilterInvalid: the setting is no filter.
    """
    return filters.every(wanted, *parse_filter(items.ldap_group_search_filter))


def group_name(items: Items, entry: Entry) -> str:
    """The value of `ldap_group_attribute_name`, or what the entry is called in its DN."""
    name = entry.text(items.ldap_group_attribute_name or "cn").strip()
    return (name or entry.dn.partition(",")[0].partition("=")[2])[:MAX_GROUP_NAME_CHARACTERS]


async def read_entry(
    connection: Connection, dn: str, wanted: filters.Filter, attributes: Sequence[str]
) -> Entry | None:
    """One entry, if it is there and matches."""
    try:
        return next(iter(await connection.search(dn, BASE, wanted, attributes, limit=1)), None)
    except Refused as refused:
        if refused.code == NO_SUCH_OBJECT:
            return None
        raise


def parse_filter(text: str) -> list[filters.Filter]:
    """The filter of a setting; none when it is empty."""
    return [filters.parse(text)] if text.strip() else []


def _has_member(dns: Iterable[str]) -> filters.Filter:
    return filters.some(*(filters.equals(attribute, dn) for dn in dns for attribute in _MEMBER_ATTRIBUTES))


def _parts(values: Sequence[str]) -> list[Sequence[str]]:
    return [values[at : at + _NAMES_AT_ONCE] for at in range(0, len(values), _NAMES_AT_ONCE)]


def _fold_all(dns: Iterable[str]) -> Mapping[str, str]:
    """Distinguished names by their folded form; what is none is left out."""
    folded: dict[str, str] = {}
    for dn in dns:
        with contextlib.suppress(NameOfEntryInvalid):
            folded[fold_dn(dn)] = dn
    return folded


def _is_below(key: str, base: str, scope: int) -> bool:
    """Whether a folded name lies in the scope of a folded base."""
    if scope == BASE:
        return key == base
    if scope == ONE_LEVEL:
        head = _PARENT.match(key)
        return head is not None and key[head.end() :] == base
    return key == base or key.endswith(f",{base}")
