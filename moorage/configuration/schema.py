"""The live settings as one struct: every item with its type, default, unit and range.

The docstring below a field is what `docs/operate/configuration.md` says about it. Names and defaults are the contract's
(Harbor API v2.0, `GET /configurations`, user scope) down to `banner_message`; what follows is ours.
`configuration.service` checks what is written, so a value that was read holds to its type and range.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from moorage.settings import Secret

Source = Literal["local", "ldap", "oidc", "header"]
"""Where people come from: our own table, a directory, an OpenID provider, a header that a proxy sets."""

MODES: Mapping[str, Source] = MappingProxyType(
    {"db_auth": "local", "ldap_auth": "ldap", "oidc_auth": "oidc", "http_auth": "header"}
)
"""The contract's authentication modes and the source that each means."""

MAX_DURATION = 9_999_999_999
MAX_STORAGE_BYTES = 1_125_899_906_842_624

Duration = Annotated[int, Meta(ge=1, le=MAX_DURATION)]
LdapScope = Annotated[int, Meta(ge=0, le=2)]
Limit = Annotated[int, Meta(ge=-1, le=2**31 - 1)]


class Items(msgspec.Struct, frozen=True, kw_only=True):
    """Every live setting."""

    primary_auth_mode: bool = False
    """Whether the sign-in page leads to the first source at once instead of offering a choice."""

    ldap_url: str = ""
    """The directory: `ldap://HOST[:PORT]` or `ldaps://HOST[:PORT]`. Empty: none."""
    ldap_verify_cert: bool = True
    """Whether the directory's certificate is checked (LDAPS and StartTLS)."""
    ldap_search_dn: str = ""
    """The account that searches; empty: an anonymous search."""
    ldap_search_password: Secret = Secret()
    """The password of `ldap_search_dn`."""
    ldap_base_dn: str = ""
    """Below which entry people are searched."""
    ldap_filter: str = ""
    """A filter that people must match as well, in the form of RFC 4515."""
    ldap_uid: str = "cn"
    """The attribute that holds the user name: `uid`, `cn`, `sAMAccountName`."""
    ldap_scope: LdapScope = 2
    """How deep people are searched: 0 the base itself, 1 one level, 2 the whole tree."""
    ldap_timeout: Annotated[int, Meta(ge=1, le=3600)] = 5
    """Seconds until the directory counts as unreachable; 1 to 3600."""
    ldap_group_base_dn: str = ""
    """Below which entry groups are searched. Empty: groups are not read."""
    ldap_group_search_filter: str = ""
    """A filter that groups must match, in the form of RFC 4515."""
    ldap_group_attribute_name: str = ""
    """The attribute that holds a group's name. Empty: `cn`."""
    ldap_group_search_scope: LdapScope = 2
    """How deep groups are searched: 0, 1 or 2, as `ldap_scope`."""
    ldap_group_membership_attribute: str = "memberof"
    """The attribute of a person that names their groups."""
    ldap_group_admin_dn: str = ""
    """The group whose members are system administrators. Empty: none."""
    ldap_group_attach_parallel: bool = False
    """Kept for clients of the contract; groups are read in one search here, so there is nothing to do in parallel."""

    scan_all_policy: str = ""
    """When everything is scanned, as JSON; kept for clients of the contract, which set it elsewhere."""
    project_creation_restriction: Literal["everyone", "adminonly"] = "everyone"
    """Who may create projects."""
    read_only: bool = False
    """Refuse every change, on /v2 and on the API, but that of these settings."""
    self_registration: bool = False
    """Whether strangers may make themselves a local account."""
    token_expiration: Duration = 30
    """Minutes that a registry token works; more than 1440 (a day) count as 1440."""

    uaa_client_id: str = ""
    """Kept for clients of the contract; UAA is no source here."""
    uaa_client_secret: Secret = Secret()
    """As `uaa_client_id`."""
    uaa_endpoint: str = ""
    """As `uaa_client_id`."""
    uaa_verify_cert: bool = False
    """As `uaa_client_id`."""

    http_authproxy_endpoint: str = ""
    """Kept for clients of the contract; the source `header` asks nobody, it believes `trusted_proxies`."""
    http_authproxy_tokenreview_endpoint: str = ""
    """As `http_authproxy_endpoint`."""
    http_authproxy_admin_groups: str = ""
    """Groups (source `header`) whose members are system administrators, with commas between them."""
    http_authproxy_admin_usernames: str = ""
    """People (source `header`) who are system administrators, with commas between them."""
    http_authproxy_verify_cert: bool = True
    """As `http_authproxy_endpoint`."""
    http_authproxy_skip_search: bool = False
    """As `http_authproxy_endpoint`."""
    http_authproxy_server_certificate: str = ""
    """As `http_authproxy_endpoint`."""

    oidc_name: str = ""
    """What the button for the OpenID provider says."""
    oidc_endpoint: str = ""
    """The provider's issuer URL; `/.well-known/openid-configuration` is read below it. Empty: none."""
    oidc_client_id: str = ""
    """The client id that the provider gave us."""
    oidc_client_secret: Secret = Secret()
    """The client secret that the provider gave us."""
    oidc_scope: str = ""
    """Scopes to ask for, with commas between them; `openid` is asked for in any case."""
    oidc_user_claim: str = ""
    """The claim that becomes the user name. Empty: `name`, and the person is asked at the first sign-in."""
    oidc_groups_claim: str = ""
    """The claim that lists groups. Empty: groups are not read."""
    oidc_admin_group: str = ""
    """The group whose members are system administrators. Empty: none."""
    oidc_group_filter: str = ""
    """A regular expression (RE2), found somewhere in the names of the groups that are taken. Empty: all."""
    oidc_verify_cert: bool = True
    """Whether the provider's certificate is checked."""
    oidc_auto_onboard: bool = False
    """Create the account at the first sign-in without asking for a user name."""
    oidc_extra_redirect_parms: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Parameters to add to the redirect to the provider; written as a JSON object of texts."""
    oidc_logout: bool = False
    """Whether signing out here signs out at the provider, too."""

    robot_token_duration: Duration = 30
    """Days that a new robot works when nothing else was said."""
    robot_name_prefix: str = "robot$"
    """What a robot's name begins with where it is shown and where it signs in; it changes for all robots at once. With
    one of `$ % # ~` in it no person's name can begin so. Up to 64 visible ASCII characters, no colon."""
    notification_enable: bool = True
    """Whether webhooks are sent."""
    quota_per_project_enable: bool = True
    """Whether the limits of projects hold: bytes, repositories, tags. Use is counted either way."""
    storage_per_project: Annotated[int, Meta(ge=-1, le=MAX_STORAGE_BYTES)] = -1
    """Bytes that a new project may hold when nothing else was said: -1 for no limit, or 1 to 1125899906842624."""
    pull_time_update_disable: bool = False
    """Do not note when artifacts and tags were pulled last."""
    pull_count_update_disable: bool = False
    """Do not count pulls."""
    pull_audit_log_disable: bool = False
    """Do not write pulls to the audit log."""
    audit_log_forward_endpoint: str = ""
    """A syslog receiver for the audit log, `HOST:PORT` (TCP, RFC 5424). Empty: none."""
    skip_audit_log_database: bool = False
    """Send the audit log to the receiver only; needs `audit_log_forward_endpoint`."""
    scanner_skip_update_pulltime: bool = False
    """Pulls by a scanner do not count as pulls."""
    disabled_audit_log_event_types: str = ""
    """Events that the audit log leaves out (`create_artifact`, `pull_artifact`, ...), with commas between them."""
    session_timeout: Duration = 60
    """Minutes without a request after which a session ends."""
    banner_message: str = ""
    """A message on every page, as the text of a JSON object: `message`, `type` (success, info, warning, danger),
    `closable`, `fromDate`, `toDate`. Empty: none."""

    auth_sources: tuple[Source, ...] = ("local",)
    """Sources of people in the order in which they are asked: `local`, `ldap`, `oidc`, `header`. The contract's
    `auth_mode` shows the first. The first administrator (user 1) signs in with the local password whatever is here."""
    ldap_start_tls: bool = False
    """Switch an `ldap://` connection to TLS before anything is sent."""
    ldap_ca_certificate: str = ""
    """Certificates (PEM) that the directory's certificate may come from. Empty: those of the system."""
    ldap_nested_groups: bool = False
    """Whether members of a group inside a group count."""
    ldap_email_attribute: str = "mail"
    """The attribute that holds the e-mail address."""
    oidc_ca_certificate: str = ""
    """Certificates (PEM) that the provider's certificate may come from. Empty: those of the system."""
    header_user: str = ""
    """The header in which a proxy of `trusted_proxies` says who signed in (`X-Forwarded-User`). Empty: none."""
    header_email: str = ""
    """The header with the e-mail address. Empty: none."""
    header_groups: str = ""
    """The header with the groups, with commas between them. Empty: groups are not read."""
    session_absolute_hours: Annotated[int, Meta(ge=1, le=8760)] = 12
    """Hours after which a session ends even if it is used; 1 to 8760."""
    audit_log_forward_tls: bool = False
    """Whether the syslog receiver speaks TLS (RFC 5425)."""
    audit_log_forward_ca_certificate: str = ""
    """Certificates (PEM) that the receiver's certificate may come from. Empty: those of the system."""
    repositories_per_project: Limit = -1
    """Repositories that a new project may hold, counting those that hold something; -1: no limit."""
    tags_per_project: Limit = -1
    """Tags that a new project may hold; -1: no limit."""
    refresh_token_enable: bool = False
    """Give people who log in with their password a refresh token where a client asks for one, as `docker login` does:
    it then stores that instead of the password. Podman, Skopeo, Buildah and the kubelet cannot use such a login. Never
    for robots and access tokens. Those given earlier go on working when it is switched off."""

    @property
    def auth_mode(self) -> str:
        """The contract's name of the first source: `db_auth`, `ldap_auth`, `oidc_auth` or `http_auth`."""
        return next(mode for mode, source in MODES.items() if source == self.auth_sources[0])
