"""Repository names, tags and references; the names of projects, people and robots.

Every pattern here is linear: the classes of neighbouring parts do not overlap, so there is one way to match.
Nothing is folded or trimmed: a name is what was sent, or it is refused.
"""

import re
import unicodedata
from typing import NewType

import msgspec

from moorage.errors import NameInvalid, ProjectNameInvalid, RobotNameInvalid, TagInvalid, UserNameInvalid
from moorage.oci.digest import Digest

MAX_REPOSITORY_BYTES = 255
MAX_TAG_BYTES = 128
MAX_NAME_CHARACTERS = 255

Tag = NewType("Tag", str)
"""1 to 128 of [a-zA-Z0-9._-], not beginning with '.' or '-'."""

_COMPONENT = r"[a-z0-9]+(?:(?:[.]|_{1,2}|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"({_COMPONENT})/({_COMPONENT}(?:/{_COMPONENT})*)")
_ONE_COMPONENT = re.compile(_COMPONENT)
_NAMESPACE = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_PLAIN = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")

# The contract forbids the first six. A colon ends the name in HTTP Basic (RFC 7617, section 2), so that its owner
# could never log in with a registry client.
_FORBIDDEN_IN_USER_NAMES = frozenset(',"~#%$:')
# Control, format (invisible, right-to-left), surrogate, private, unassigned, line and paragraph separator: names that
# look the same must be the same.
_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class RepositoryName(msgspec.Struct, frozen=True):
    """The name of a repository, split where the project ends.

    Attributes:
        text: the whole name, as sent: at most 255 bytes of ASCII.
        project: the first component.
        path: the rest; may hold slashes.
    """

    text: str
    project: str
    path: str

    def __str__(self) -> str:
        return self.text


class RobotName(msgspec.Struct, frozen=True):
    """The name of a robot as it is stored: without prefix.

    Attributes:
        project: the project that the robot belongs to; None for a system robot.
        name: the part after `project+`.
    """

    project: str | None
    name: str

    def __str__(self) -> str:
        return self.name if self.project is None else f"{self.project}+{self.name}"


def parse_repository(text: str) -> RepositoryName:
    """The repository that `text` names, `project/rest`.

    Raises:
        NameInvalid: not the grammar, fewer than two components, or over 255 bytes.

    Source: OCI distribution-spec v1.1, "Pulling manifests", `<name>`.
    """
    if len(text) > MAX_REPOSITORY_BYTES:
        raise NameInvalid(f"The repository name is too long: at most {MAX_REPOSITORY_BYTES} bytes.", name=text[:80])
    found = _REPOSITORY.fullmatch(text)
    if found is not None:
        return RepositoryName(text, found[1], found[2])
    if _ONE_COMPONENT.fullmatch(text):
        raise NameInvalid(
            f"The repository name '{text}' lacks a project: write 'library/{text}', or another project before it.",
            name=text,
        )
    raise NameInvalid(
        "The repository name is invalid: 'project/name' in lower-case letters and digits, "
        "separated by '.', '_', '__', dashes or '/'.",
        name=text,
    )


def is_namespace(text: str) -> bool:
    """Whether `text` is one or more leading components of a repository's name: `team`, `team/mirror`."""
    return len(text) < MAX_REPOSITORY_BYTES and _NAMESPACE.fullmatch(text) is not None


def parse_tag(text: str) -> Tag:
    """The tag that `text` is.

    Raises:
        TagInvalid: not the grammar.

    Source: OCI distribution-spec v1.1, "Pulling manifests", `<reference>` as a tag.
    """
    if _TAG.fullmatch(text) is None:
        raise TagInvalid(tag=text[:200])
    return Tag(text)


def parse_reference(text: str) -> Digest | Tag:
    """What the last part of a manifest's address names: a digest when it holds a colon, else a tag.

    Raises:
        DigestInvalid: with a colon, but no digest that we know.
        TagInvalid: neither.
    """
    return Digest.parse(text) if ":" in text else parse_tag(text)


def parse_project_name(text: str) -> str:
    """The name of a project, 1 to 255 characters.

    Raises:
        ProjectNameInvalid: not the grammar.
    """
    if len(text) > MAX_NAME_CHARACTERS or _PLAIN.fullmatch(text) is None:
        raise ProjectNameInvalid(name=text[:MAX_NAME_CHARACTERS])
    return text


def parse_robot_name(text: str) -> str:
    """The name of a robot as a person types it when it is made, 1 to 255 characters: no project, no prefix.

    Raises:
        RobotNameInvalid: not the grammar.
    """
    if len(text) > MAX_NAME_CHARACTERS or _PLAIN.fullmatch(text) is None:
        raise RobotNameInvalid(name=text[:MAX_NAME_CHARACTERS])
    return text


def parse_stored_robot_name(text: str) -> RobotName:
    """The robot behind `name` (of the system) or `project+name` (of a project); what follows the prefix of a login.

    Raises:
        RobotNameInvalid: either part is not the grammar.
    """
    project, plus, name = text.rpartition("+")
    if not plus:
        return RobotName(None, parse_robot_name(name))
    if len(project) > MAX_NAME_CHARACTERS or _PLAIN.fullmatch(project) is None:
        raise RobotNameInvalid(name=text[:MAX_NAME_CHARACTERS])
    return RobotName(project, parse_robot_name(name))


def parse_user_name(text: str) -> str:
    """The name of a person's account as it is stored and shown: as typed, in Unicode normal form C.

    Raises:
        UserNameInvalid: empty, over 255 characters, one of `, " ~ # % $ :`, an invisible character, or a space at
            either end.
    """
    # The length first: normal form C may grow a text, and its cost follows the length.
    name = unicodedata.normalize("NFC", text) if len(text) <= MAX_NAME_CHARACTERS else ""
    if (
        not 1 <= len(name) <= MAX_NAME_CHARACTERS
        or name != name.strip()
        or not _FORBIDDEN_IN_USER_NAMES.isdisjoint(name)
        or any(unicodedata.category(character) in _UNSEEN_CATEGORIES for character in name)
    ):
        raise UserNameInvalid(name=text[:MAX_NAME_CHARACTERS])
    return name


def is_user_name(text: str) -> bool:
    """Whether `parse_user_name` takes it."""
    try:
        parse_user_name(text)
    except UserNameInvalid:
        return False
    return True


def is_no_user_name(beginning: str) -> bool:
    """Whether no user name can begin like this: it holds a character that user names do not."""
    return not _FORBIDDEN_IN_USER_NAMES.isdisjoint(beginning)


def fold_user_name(text: str) -> str:
    """The form in which two user names are the same account: without regard to case, in normal form C.

    At most 255 characters are read: no account has a longer name. Safe to repeat.
    """
    folded = unicodedata.normalize("NFC", text[: MAX_NAME_CHARACTERS + 1]).casefold()
    return unicodedata.normalize("NFC", folded)
