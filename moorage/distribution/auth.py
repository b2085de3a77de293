"""Credentials in, a ticket out; and the challenge that tells a client what to bring.

Bearer tokens are the rule; Basic credentials are accepted directly and come to the same kind of ticket. Missing and
forbidden answer alike: 401 with a challenge. Source: Docker registry token specification; RFC 6750, 7617.
"""

from collections.abc import Sequence

from moorage.access.denials import Refusals
from moorage.access.policy import NO_PROJECT, Ticket
from moorage.access.repository_grants import grant
from moorage.authentication.service import Login, read_basic
from moorage.db.statements import Reader
from moorage.errors import Problem, ProjectUnknown, TicketRevoked, Unauthenticated
from moorage.repositories.lookup import require_principal
from moorage.tokens.registry_tokens import SERVICE, TokenKeys
from moorage.tokens.scopes import Scope, format_challenge
from moorage.web.request import Request

_BASIC = 'Basic realm="harbor"'
TOKEN_PATH = "/service/token"  # noqa: S105 - an address
LATE_SECONDS = 86_400
"""How long after its expiry a token may still finish the upload that it opened."""


class Gate:
    """Who may pass on /v2."""

    def __init__(
        self, tokens: TokenKeys, login: Login, read: Reader, *, refusals: Refusals, challenge_basic: bool
    ) -> None:
        self._refusals = refusals
        self._tokens = tokens
        self._login = login
        self._read = read
        self._challenge_basic = challenge_basic

    async def ticket(self, request: Request, needs: Sequence[Scope], *, late: bool = False) -> Ticket:
        """The ticket that the request's credentials come to; it grants all of `needs`.

        Args:
            late: a token that expired less than 24 h ago will do (finishing an upload); whether it is as new as the
                upload is for the caller to see.

        Raises:
            Unauthenticated: no credentials, wrong ones, or too little granted; with a challenge.
            ProjectUnknown: said to administrators only.
        """
        header = request.headers.get(b"authorization")
        if header is None:
            raise self.refusal(request, needs)
        scheme, _, value = header.partition(b" ")
        scheme = scheme.lower()
        if scheme == b"bearer":
            try:
                ticket = self._tokens.verify(
                    value.strip().decode("latin-1"), allow_expired_seconds=LATE_SECONDS if late else 0
                )
            except Problem as problem:
                raise self.refusal(request, needs, error="invalid_token", message=str(problem)) from None
        elif scheme == b"basic":
            ticket = await self._basic(request, header.decode("latin-1"), needs)
        else:
            raise self.refusal(request, needs, message="Use Bearer or Basic authentication.")
        request.principal = ticket.name
        checked_later = False
        for need in needs:
            if need.type == "repository":
                checked_later = True
                entry = ticket.entry(need.name, need.actions)
                if entry is None:
                    raise self._narrow(request, needs, ticket, need)
                if entry.project_id == NO_PROJECT:
                    raise _no_project(need.name)
            elif not ticket.catalog:
                raise self._narrow(request, needs, ticket, need)
        if ticket.credential == "token" and not checked_later:
            # No statement about a repository follows that would bring the live epochs along.
            try:
                await require_principal(self._read, ticket)
            except TicketRevoked as problem:
                raise self.revoked(request, needs, problem) from None
        return ticket

    async def _basic(self, request: Request, header: str, needs: Sequence[Scope]) -> Ticket:
        try:
            username, password = read_basic(header)
            account = await self._login.authenticate(username, password, request.address, access_tokens=True)
        except Unauthenticated as problem:
            raise type(problem)(str(problem), headers={"WWW-Authenticate": _BASIC}) from None
        # All that is allowed, as with a token: a HEAD by somebody who may push renews a lease.
        granted = await grant(self._read, account, [Scope(need.type, need.name, ("*",)) for need in needs])
        return Ticket(
            principal_id=account.principal_id, principal_epoch=account.epoch, name=account.name,
            entries=granted.entries, catalog=granted.catalog, credential="password",
            limits=account.limits,
        )  # fmt: skip

    def refusal(
        self, request: Request, needs: Sequence[Scope], *, error: str = "", message: str = "", basic: bool = False
    ) -> Unauthenticated:
        """A 401 with the challenge that leads to what is needed."""
        if basic or (self._challenge_basic and not error):
            challenge = _BASIC
        else:
            realm = f"{request.origin}{TOKEN_PATH}"
            if request.mirror:
                # Clients ask for the names that they know, whatever scope the challenge has: the address says the rest.
                realm += f"/{request.mirror}"
            challenge = format_challenge(realm=realm, service=SERVICE, scopes=needs, error=error)
        return Unauthenticated(message, headers={"WWW-Authenticate": challenge})

    def _narrow(self, request: Request, needs: Sequence[Scope], ticket: Ticket, need: Scope) -> Unauthenticated:
        message = (
            f"unauthorized to access repository: {need.name}, action: {','.join(need.actions)}"
            if need.type == "repository"
            else f"unauthorized to read {request.path}"
        )
        if ticket.credential == "token":
            # No refusal to write down: clients bring the token that they have first and ask for more when told to.
            return self.refusal(request, needs, error="insufficient_scope", message=message)
        self._refusals.note(
            request.as_actor(ticket.principal_id, ticket.name, *ticket.credentials),
            ",".join(need.actions),
            need.type,
            need.name,
        )
        return self.refusal(request, needs, message=message, basic=True)

    def revoked(self, request: Request, needs: Sequence[Scope], problem: TicketRevoked) -> Unauthenticated:
        """The 401 for a ticket whose owner or project changed since."""
        return self.refusal(request, needs, error="invalid_token", message=str(problem))


def _no_project(repository: str) -> ProjectUnknown:
    """What an administrator is told, who may know; everybody else is refused as if the project were not theirs."""
    project = repository.partition("/")[0]
    return ProjectUnknown(f"There is no project '{project}'. Create it: moorage project create {project}")
