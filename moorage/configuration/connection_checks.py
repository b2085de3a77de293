"""Try the connection to another system before its settings are saved.

The subjects that speak with those systems lie above this one; `app.py` hands over how they try.
"""

from collections.abc import Awaitable, Callable

from moorage.configuration.schema import Items

_RECEIVER = ("audit_log_forward_endpoint", "audit_log_forward_tls", "audit_log_forward_ca_certificate")
_DIRECTORY = (
    "ldap_url", "ldap_verify_cert", "ldap_start_tls", "ldap_ca_certificate", "ldap_search_dn", "ldap_search_password",
    "ldap_base_dn", "ldap_filter", "ldap_uid", "ldap_scope", "ldap_timeout",
)  # fmt: skip
_PROVIDER = ("oidc_endpoint", "oidc_verify_cert", "oidc_ca_certificate")


class Checks:
    """The connection checks, by kind of system.

    Args:
        receiver: connects to the syslog receiver of the items once; raises a Problem when that fails.
        directory: goes all the steps of a sign-in but the password; what is wrong, "" when nothing is.
        provider: asks the OpenID provider to describe itself; what is wrong, "" when nothing is.
    """

    def __init__(
        self,
        *,
        receiver: Callable[[Items], Awaitable[None]],
        directory: Callable[[Items], Awaitable[str]],
        provider: Callable[[Items], Awaitable[str]],
    ) -> None:
        self._receiver = receiver
        self._directory = directory
        self._provider = provider

    async def run(self, before: Items, after: Items) -> list[tuple[str, str]]:
        """Try what changed. A source of people is tried while it is one.

        Returns:
            What will not work, though it is to be saved, each as a code and a sentence: clients of the contract set up
            a directory or a provider before it is there, and item by item.

        Raises:
            ReceiverUnusable: the audit log could not be sent there.
        """
        if after.audit_log_forward_endpoint and _differ(before, after, _RECEIVER):
            await self._receiver(after)
        warnings: list[tuple[str, str]] = []
        if _is_new("ldap", before, after, _DIRECTORY) and (why := await self._directory(after)):
            warnings.append(("DIRECTORY_UNUSABLE", f"The directory cannot be used now. {why}"))
        if _is_new("oidc", before, after, _PROVIDER) and (why := await self._provider(after)):
            warnings.append(("PROVIDER_UNUSABLE", why))
        return warnings


def _is_new(source: str, before: Items, after: Items, names: tuple[str, ...]) -> bool:
    return source in after.auth_sources and (source not in before.auth_sources or _differ(before, after, names))


def _differ(before: Items, after: Items, names: tuple[str, ...]) -> bool:
    return any(getattr(before, name) != getattr(after, name) for name in names)
