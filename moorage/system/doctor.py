"""Look at what a server stands on, and name each thing that is wrong with its mend.

What is here needs the settings and this machine only; it changes nothing. `moorage check` and the REST API both ask.
"""

import errno
import os
import pwd
import re
import resource
import shutil
import ssl
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from moorage.settings import FIRST_PASSWORD, Settings

LEAST_FREE_BYTES = 1024**3
LEAST_OPEN_FILES = 4096
SOON = timedelta(days=14)

Facts: TypeAlias = Mapping[str, str | int | Sequence[str]]

_LOOK_AT_FOLDER = "look at the owner, the mode and the mount of the folder"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        area: settings, permissions, keys, database, storage, port, certificate, machine, sign-in, audit, clock, jobs,
            registries.
        state: `ok`, `warning` (it works, but look at it) or `error` (a server would not start, or fails).
        text: what was found; names the file, the port or the owner.
        mend: what to do about it; empty when it is ok.
        code: which thing it is, for programs: `DISK_NEARLY_FULL`; empty when it is ok.
        where: the file, the setting or the part; empty where there is none.
        kind: what was found, for whoever says it in words of their own: the code, or where all is well a name of its
            own, `STORAGE_WRITABLE`. Each that a running server tells has words in the portal
            (`portal/src/locales/en-US/findings.json`).
        facts: what `text` names beside `where`. What ends in `_at` is a time (RFC 3339), in `_bytes` a size.
    """

    area: str
    state: str
    text: str
    mend: str = ""
    code: str = ""
    where: str = ""
    kind: str = ""
    facts: Facts = field(default_factory=dict)


def utc_text(time: datetime) -> str:
    """A time among facts: RFC 3339, in UTC, to the second."""
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def look_at_proxies(settings: Settings) -> Iterator[Finding]:
    """Whether anybody may say who they are and where they come from."""
    if any(network in {"0.0.0.0/0", "::/0"} for network in settings.trusted_proxies):
        text = "`trusted_proxies` trusts everybody: any client can forge its address and the URL of tokens"
        mend = "name the addresses of the proxies only"
        yield Finding("settings", "warning", text, mend, "PROXIES_UNLIMITED", "trusted_proxies")


def look_at_transport(settings: Settings) -> Iterator[Finding]:
    """Whether passwords travel in the clear."""
    host = settings.address[0]
    is_local = host in {"localhost", "::1"} or host.startswith("127.")
    if not settings.tls_cert and not is_local and not settings.external_url.startswith("https:"):
        text = f"plain HTTP on {settings.listen}: passwords travel in the clear, and docker elsewhere refuses it"
        mend = "set tls_cert and tls_key, or a proxy with TLS and external_url"
        facts = {"listen": settings.listen}
        yield Finding("port", "warning", text, mend, "HTTP_IN_THE_CLEAR", "listen", facts=facts)


def look_at_folder(settings: Settings) -> Iterator[Finding]:
    """The data folder: whose it is, who else may look into it, whether it can be written."""
    folder = settings.data_folder
    if not folder.exists():
        yield _missing_folder(folder)
        return
    found = folder.stat()
    if not stat.S_ISDIR(found.st_mode):
        text = f"the data folder {folder} is not a folder"
        yield Finding("permissions", "error", text, "name another with --data", "FOLDER_IS_NONE", str(folder))
        return
    me, owner = user_name(os.geteuid()), user_name(found.st_uid)
    if found.st_uid != os.geteuid():
        text = f"the data folder {folder} belongs to {owner}, and this runs as {me}"
        mend = f"run as {owner}, or: chown -R {os.geteuid()} {folder}"
        facts: Facts = {"owner": owner, "me": me, "uid": os.geteuid()}
        yield Finding("permissions", "error", text, mend, "FOLDER_FOREIGN", str(folder), facts=facts)
        return
    closed = f"chmod 700 {folder}"
    if found.st_mode & stat.S_IWOTH:
        text = f"everybody may write to {folder}"
        yield Finding("permissions", "error", text, closed, "FOLDER_WRITABLE_BY_ALL", str(folder))
    elif found.st_mode & 0o077:
        yield Finding("permissions", "warning", f"others may look into {folder}", closed, "FOLDER_OPEN", str(folder))
    yield _writing("permissions", folder, "data folder", f"{folder} is ours", "FOLDER_IN_ORDER")
    password = folder / FIRST_PASSWORD
    if password.exists():
        text = f"the password that was made for `admin` still lies in {password}"
        mend = "change it: moorage user set-password admin"
        yield Finding("permissions", "warning", text, mend, "ADMIN_PASSWORD_FILE", str(password))


def _missing_folder(folder: Path) -> Finding:
    parent = next(above for above in folder.parents if above.exists())
    if os.access(parent, os.W_OK | os.X_OK):
        text = f"the data folder {folder} does not exist yet; the first start makes it"
        return Finding("permissions", "ok", text, where=str(folder), kind="FOLDER_TO_COME")
    text = f"the data folder {folder} does not exist, and {parent} does not let {user_name(os.geteuid())} make it"
    mend = f"make {folder} and give it to that account"
    facts = {"parent": str(parent), "me": user_name(os.geteuid())}
    return Finding("permissions", "error", text, mend, "FOLDER_MISSING", str(folder), facts=facts)


def look_at_storage(settings: Settings) -> Iterator[Finding]:
    """The folder of the blobs, where there is one: whether it can be written, and how much room is left."""
    if settings.storage.kind == "memory":
        text = "storage.kind is memory: all content is lost at the end"
        yield Finding("storage", "warning", text, "for tests only", "STORAGE_IN_MEMORY", "storage.kind")
    if settings.storage.kind != "filesystem":
        return
    folder = settings.storage_folder
    if not folder.exists():
        text = f"{folder} does not exist yet; the first start makes it"
        yield Finding("storage", "ok", text, where=str(folder), kind="STORAGE_TO_COME")
        return
    yield _writing("storage", folder, "storage folder", f"{folder} can be written", "STORAGE_WRITABLE")
    usage = shutil.disk_usage(folder)
    if usage.free < LEAST_FREE_BYTES:
        text = f"the disk of {folder} has {usage.free // 1024**2} MiB free"
        mend = "free some space or give it a larger disk"
        facts = {"free_bytes": usage.free}
        yield Finding("storage", "warning", text, mend, "DISK_NEARLY_FULL", str(folder), facts=facts)
    objects, uploads = folder / "docker", folder / "uploads"
    if objects.exists() and uploads.exists() and objects.stat().st_dev != uploads.stat().st_dev:
        text = f"{uploads} and {objects} are on different file systems: an upload cannot be finished by a rename"
        yield Finding("storage", "error", text, "mount the storage folder as a whole", "STORAGE_SPLIT", str(folder))


def look_at_certificate(settings: Settings) -> Iterator[Finding]:
    """The certificate and its key: whether they fit, how long they are good, and for which name."""
    if not settings.tls_cert:
        return
    file = settings.tls_cert
    problem = find_certificate_problem(file, settings.tls_key)
    if problem:
        mend = "name a chain and its key, both in PEM"
        yield Finding("certificate", "error", problem, mend, "CERTIFICATE_UNUSABLE", file)
        return
    from cryptography import x509  # noqa: PLC0415 - only who has one needs it

    certificate = x509.load_pem_x509_certificates(Path(file).read_bytes())[0]
    begin, end, now = certificate.not_valid_before_utc, certificate.not_valid_after_utc, datetime.now(UTC)
    if end < now:
        text = f"{file} ended at {end:%Y-%m-%d %H:%M} UTC"
        facts = {"end_at": utc_text(end)}
        yield Finding("certificate", "error", text, "renew it", "CERTIFICATE_ENDED", file, facts=facts)
    elif begin > now:
        text = f"{file} begins at {begin:%Y-%m-%d %H:%M} UTC"
        facts = {"begin_at": utc_text(begin)}
        yield Finding("certificate", "error", text, "set the clock", "CERTIFICATE_NOT_YET", file, facts=facts)
    elif end < now + SOON:
        text = f"{file} ends at {end:%Y-%m-%d %H:%M} UTC"
        facts = {"end_at": utc_text(end)}
        yield Finding("certificate", "warning", text, "renew it", "CERTIFICATE_ENDS_SOON", file, facts=facts)
    else:
        text = f"{file} and {settings.tls_key} fit; good until {end:%Y-%m-%d}"
        facts = {"key": settings.tls_key, "end_at": utc_text(end)}
        yield Finding("certificate", "ok", text, where=file, kind="CERTIFICATE_IN_ORDER", facts=facts)
    if Path(settings.tls_key).stat().st_mode & 0o077:
        text, mend = f"others may read the key {settings.tls_key}", f"chmod 600 {settings.tls_key}"
        yield Finding("permissions", "warning", text, mend, "KEY_READABLE", settings.tls_key)
    host = urlsplit(settings.external_url).hostname
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        known = [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]
    except x509.ExtensionNotFound:
        known = []
    if host and not any(_fits(host, name) for name in known):
        text = f"{file} is not for {host} (it is for {', '.join(known) or 'no name'})"
        mend = "clients will refuse it: get one for that name"
        yield Finding(
            "certificate", "error", text, mend, "CERTIFICATE_OTHER_NAME", file, facts={"host": host, "names": known}
        )


def _fits(host: str, name: str) -> bool:
    return host == name.lower() or (name.startswith("*.") and bool(re.fullmatch(r"[^.]+" + re.escape(name[1:]), host)))


def look_at_machine() -> Iterator[Finding]:
    """The account that this runs as, and what it may open."""
    if os.geteuid() == 0:
        text = "this runs as root (uid 0)"
        mend = "give the data folder to an account of its own and run as that"
        yield Finding("machine", "warning", text, mend, "RUNS_AS_ROOT")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < LEAST_OPEN_FILES:
        text = f"a process may open {hard} files and connections"
        mend = f"raise the limit: LimitNOFILE=65536 (systemd), ulimit -n {LEAST_OPEN_FILES}"
        facts = {"limit": hard, "least": LEAST_OPEN_FILES}
        yield Finding("machine", "warning", text, mend, "FEW_OPEN_FILES", facts=facts)


# -- what others ask, too ---------------------------------------------------------------------------------


def find_writing_problem(folder: Path) -> str:
    """Why no file can be made, written durably and removed in `folder`; "": it can."""
    probe = folder / f".probe-{os.getpid()}"
    try:
        with probe.open("wb") as file:
            file.write(b"moorage")
            file.flush()
            os.fsync(file.fileno())
        probe.unlink()
    except OSError as error:
        hint = ": free some space" if error.errno in {errno.ENOSPC, errno.EDQUOT} else ""
        return f"{error.strerror}{hint}"
    return ""


def find_certificate_problem(certificate: str, key: str) -> str:
    """Why certificate and key cannot be read, or do not belong together; "": they do. Names the file."""
    for name, file in (("tls_cert", certificate), ("tls_key", key)):
        try:
            text = Path(file).read_bytes()
        except OSError as error:
            return f"The file of `{name}`, {file}, cannot be read: {error.strerror}."
        if b"-----BEGIN " not in text:
            return f"The file of `{name}`, {file}, is not PEM."
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key, password=lambda: "")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return f"The key {key} does not belong to the certificate {certificate}."
        try:  # which of the two: a chain that loads as authorities is a good certificate
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(certificate)
        except ssl.SSLError:
            return f"The file of `tls_cert`, {certificate}, holds no certificate that can be used."
        return f"The file of `tls_key`, {key}, holds no private key that can be used without a passphrase."
    return ""


def user_name(uid: int) -> str:
    """How to call an account: `alice (uid 1000)`."""
    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"uid {uid}"


def _writing(area: str, folder: Path, what: str, good: str, kind: str) -> Finding:
    problem = find_writing_problem(folder)
    if not problem:
        return Finding(area, "ok", good, where=str(folder), kind=kind)
    text = f"The {what} {folder} cannot be written: {problem}."
    return Finding(area, "error", text, _LOOK_AT_FOLDER, "FOLDER_NOT_WRITABLE", str(folder))
