"""The error model: what a caller must be told, with which HTTP status and which stable codes.

Fourteen kinds, one HTTP status each; every error of the product is a leaf below one of them. The first
line of a class's docstring is its default message, so writing the docstring documents the API.
"""

from collections.abc import Mapping
from typing import ClassVar


class Problem(Exception):
    """Something the caller must be told about.

    Attributes:
        status: the HTTP status.
        code: the code on `/api`: that of the kind, as in the contract.
        oci_code: the code on `/v2`. Source: OCI distribution-spec v1.1, "Error Codes".
        reason: our finer name, stable and documented; sent as `detail.reason` where it says more than the code.
        detail: JSON-serialisable facts, never a secret and never a traceback.
        headers: extra response headers, for example a challenge or `Retry-After`.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "UNKNOWN"
    oci_code: ClassVar[str] = "UNKNOWN"
    reason: ClassVar[str] = ""

    def __init__(self, message: str = "", /, *, headers: Mapping[str, str] | None = None, **detail: object) -> None:
        super().__init__(message or (type(self).__doc__ or self.code).splitlines()[0])
        self.detail: Mapping[str, object] = detail
        self.headers: Mapping[str, str] = headers or {}


# -- kinds ------------------------------------------------------------------------------------------------


class Invalid(Problem):
    """The request is malformed."""

    status = 400
    code = "BAD_REQUEST"
    oci_code = "UNSUPPORTED"


class Unauthenticated(Problem):
    """Authentication is required."""

    status = 401
    code = "UNAUTHORIZED"
    oci_code = "UNAUTHORIZED"


class Denied(Problem):
    """This is not allowed."""

    status = 403
    code = "FORBIDDEN"
    oci_code = "DENIED"


class NotFound(Problem):
    """There is no such thing, or you may not know of it."""

    status = 404
    code = "NOT_FOUND"
    oci_code = "NAME_UNKNOWN"


class Unsupported(Problem):
    """The operation is not supported here."""

    status = 405
    code = "METHOD_NOT_ALLOWED"
    oci_code = "UNSUPPORTED"


class Conflict(Problem):
    """It conflicts with something that is there already."""

    status = 409
    code = "CONFLICT"
    oci_code = "DENIED"


class Precondition(Problem):
    """A rule or condition forbids it."""

    status = 412
    code = "PRECONDITION"
    oci_code = "DENIED"


class TooLarge(Problem):
    """The request body is too large."""

    status = 413
    code = "REQUEST_ENTITY_TOO_LARGE"
    oci_code = "SIZE_INVALID"


class UnsupportedMedia(Problem):
    """The media type is not supported."""

    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"
    oci_code = "UNSUPPORTED"


class RangeInvalid(Problem):
    """The requested range cannot be satisfied."""

    status = 416
    code = "REQUESTED_RANGE_NOT_SATISFIABLE"
    oci_code = "BLOB_UPLOAD_INVALID"


class Unprocessable(Problem):
    """The request is well-formed, but a value in it is out of bounds."""

    status = 422
    code = "UNPROCESSABLE_ENTITY"
    oci_code = "UNSUPPORTED"


class TooMany(Problem):
    """Too many requests; wait and try again."""

    status = 429
    code = "TOO_MANY_REQUEST"
    oci_code = "TOOMANYREQUESTS"


class NotBuilt(Problem):
    """This operation of the contract is not built yet."""

    status = 501
    code = "NOT_IMPLEMENTED"
    oci_code = "UNSUPPORTED"


class Unavailable(Problem):
    """A part that this needs is not available; try again later."""

    status = 503
    code = "SERVICE_UNAVAILABLE"
    oci_code = "UNKNOWN"


# -- names and references ---------------------------------------------------------------------------------


class NameInvalid(Invalid):
    """The repository name is invalid."""

    oci_code = reason = "NAME_INVALID"


class DigestInvalid(Invalid):
    """The digest is invalid, or does not match the content."""

    oci_code = reason = "DIGEST_INVALID"


class TagInvalid(Invalid):
    """The tag is invalid: at most 128 of [a-zA-Z0-9._-], not beginning with '.' or '-'."""

    oci_code = reason = "TAG_INVALID"


class ProjectNameInvalid(Invalid):
    """The project name is invalid: 1 to 255 lower-case letters and digits, single '.', '_' or '-' between them."""

    oci_code = "NAME_INVALID"
    reason = "PROJECT_NAME_INVALID"


class RobotNameInvalid(Invalid):
    """The robot name is invalid: 1 to 255 lower-case letters and digits, single '.', '_' or '-' between them."""

    reason = "ROBOT_NAME_INVALID"


class UserNameInvalid(Invalid):
    """The user name is invalid: 1 to 255 visible characters, none of , " ~ # % $ : and no space at either end."""

    reason = "USER_NAME_INVALID"


class CronInvalid(Invalid):
    """The cron expression cannot be used: six fields, seconds first, in UTC, as in `0 30 2 * * *`."""

    reason = "CRON_INVALID"


class ScheduleInvalid(Invalid):
    """The schedule cannot be used: its type is Hourly, Daily, Weekly, Custom, Manual or None."""

    reason = "SCHEDULE_INVALID"


class ParameterInvalid(Invalid):
    """A parameter of the work to be done cannot be used."""

    reason = "PARAMETER_INVALID"


class ManifestInvalid(Invalid):
    """The manifest is invalid."""

    oci_code = reason = "MANIFEST_INVALID"


class DescriptionInvalid(Invalid):
    """The description is too long: at most 65536 characters, and no NUL."""

    reason = "DESCRIPTION_INVALID"


class CopySourceInvalid(Invalid):
    """The source of a copy is invalid: 'project/repository:tag' or 'project/repository@digest'."""

    reason = "COPY_SOURCE_INVALID"


class AdditionUnsupported(Invalid):
    """Artifacts of this type have no such addition."""

    reason = "ADDITION_UNSUPPORTED"


class CopyLimit(Invalid):
    """Too much hangs on this artifact to copy it in one go: at most 5000 children and accessories."""

    reason = "COPY_LIMIT"


class MeasureLimit(Invalid):
    """Too much hangs on these artifacts to measure it in one go: at most 20000 children and accessories."""

    reason = "MEASURE_LIMIT"


class RestoreNameInvalid(Invalid):
    """What comes back cannot get this name."""

    reason = "RESTORE_NAME_INVALID"


class LabelInvalid(Invalid):
    """The label is invalid: a name of 1 to 128 bytes, a color of at most 32, the scope 'g', or 'p' and a project."""

    reason = "LABEL_INVALID"


class SizeInvalid(Invalid):
    """The number of bytes received does not match what was announced."""

    oci_code = reason = "SIZE_INVALID"


class PageSizeInvalid(Invalid):
    """The number of entries asked for is invalid: a whole number, 0 or more."""

    oci_code = reason = "PAGINATION_NUMBER_INVALID"


class PageKeyInvalid(Invalid):
    """The field 'last' is not one that a page before this one gave; leave it out to begin anew."""

    reason = "PAGE_KEY_INVALID"


class QueryInvalid(Invalid):
    """The parameter q or sort is malformed, too long, or asks for something that this list cannot answer."""

    reason = "QUERY_INVALID"


class ActionInvalid(Unprocessable):
    """There is no such action: stop, pause or resume."""

    reason = "ACTION_INVALID"


class PreferencesLimit(Unprocessable):
    """Preferences may take 16 KiB as JSON, and hold no numbers that JSON libraries disagree about."""

    reason = "PREFERENCES_LIMIT"


class AdditionInvalid(Unprocessable):
    """What was pushed cannot be read as such an addition, or is too large for one."""

    reason = "ADDITION_INVALID"


class ArchiveInvalid(Unprocessable):
    """The archive in this artifact cannot be read."""

    reason = "ARCHIVE_INVALID"


class ArchiveLimit(Unprocessable):
    """The archive in this artifact goes beyond a limit of what is unpacked."""

    reason = "ARCHIVE_LIMIT"


class ListingInvalid(Unprocessable):
    """The page or its size is not a number in range: a page has at most 100 entries."""

    reason = "PAGE_INVALID"


class ReceiverUnusable(Invalid):
    """The syslog receiver is not written HOST:PORT, or cannot be reached."""

    reason = "RECEIVER_UNUSABLE"


class HostInvalid(Invalid):
    """The Host header names a host that this server does not answer for."""

    reason = "HOST_INVALID"


class ScopeLimit(Invalid):
    """Too many scopes in one request: at most 100, and 4,096 characters in all."""

    reason = "SCOPE_LIMIT"


class ServiceUnknown(Invalid):
    """Tokens are issued for the service 'harbor-registry' only."""

    reason = "SERVICE_UNKNOWN"


class EmailInvalid(Invalid):
    """The e-mail address is invalid."""

    reason = "EMAIL_INVALID"


class DirectoryNotSet(Invalid):
    """No directory is set up: the setting ldap_url is empty."""

    reason = "DIRECTORY_NOT_SET"


class TooManyPeople(Invalid):
    """Too many people at once: at most 500."""

    reason = "TOO_MANY_PEOPLE"


class GroupNameInvalid(Invalid):
    """The name of the group is invalid: 1 to 255 visible characters, no space at either end."""

    reason = "GROUP_NAME_INVALID"


class ProfileInvalid(Invalid):
    """The real name or the comment is empty, too long, or has characters that it cannot have."""

    reason = "PROFILE_INVALID"


class PasswordInvalid(Invalid):
    """The password is invalid: 8 to 128 characters, at least one lower-case and one upper-case letter and one digit."""

    reason = "PASSWORD_INVALID"


class AccessTokenInvalid(Invalid):
    """What is asked of the new access token is invalid; the message says what."""

    reason = "ACCESS_TOKEN_INVALID"


class RobotDurationInvalid(Invalid):
    """The duration of a robot is invalid: 1 to 2147483646 days, or -1 for ever."""

    reason = "ROBOT_DURATION_INVALID"


class RobotPermissionInvalid(Invalid):
    """A robot cannot be given this permission."""

    reason = "ROBOT_PERMISSION_INVALID"


class MetadataInvalid(Invalid):
    """A setting of the project has a value that it cannot have."""

    reason = "METADATA_INVALID"


class AllowlistInvalid(Invalid):
    """The allowlist holds an entry twice, an empty one, or one of more than 64 characters, or over 10,000 entries."""

    reason = "ALLOWLIST_INVALID"


class MemberInvalid(Invalid):
    """A member is one user or one group that exists, named by id or by name."""

    reason = "MEMBER_INVALID"


class QuotaInvalid(Invalid):
    """The storage limit is invalid: -1 for none, or 1 to 1125899906842624 bytes."""

    reason = "QUOTA_INVALID"


class RoleInvalid(Invalid):
    """The role is invalid: 1 project admin, 2 developer, 3 guest, 4 maintainer, 5 limited guest."""

    reason = "ROLE_INVALID"


class TokenRequestInvalid(Invalid):
    """The request for a token is malformed."""

    reason = "TOKEN_REQUEST_INVALID"


class ItemInvalid(Invalid):
    """The value of a live setting is invalid."""

    reason = "CONFIGURATION_INVALID"


class SelectorInvalid(Invalid):
    """The pattern of a selector is invalid."""

    reason = "SELECTOR_INVALID"


class TargetRefused(Invalid):
    """This server may not connect to that address."""

    reason = "TARGET_REFUSED"


class MirrorInvalid(Invalid):
    """No client can ask for a mirror like this; the message says why."""

    reason = "MIRROR_INVALID"


class MirrorLimit(Invalid):
    """There are as many mirrors as there may be."""

    reason = "MIRROR_LIMIT"


class RegistryInvalid(Invalid):
    """What is said of the registry cannot be used; the message says what."""

    reason = "REGISTRY_INVALID"


class RegistryFixed(Invalid):
    """Which registry a project mirrors is said when it is created, and stays; create another project."""

    reason = "REGISTRY_FIXED"


class RegistryUnhealthy(Invalid):
    """The registry does not answer as one, or refuses the credentials; the message says why."""

    reason = "REGISTRY_UNHEALTHY"


class RuleInvalid(Invalid):
    """The rule cannot be used."""

    reason = "RULE_INVALID"


class RetentionExists(Invalid):
    """The project has a retention policy already; change that one."""

    reason = "RETENTION_EXISTS"


class ReplicationInvalid(Invalid):
    """The replication policy cannot be used; the message says what."""

    reason = "REPLICATION_INVALID"


class WebhookInvalid(Invalid):
    """The webhook policy cannot be used."""

    reason = "WEBHOOK_INVALID"


class WebhookExists(Invalid):
    """The project has a webhook policy of this name already."""

    reason = "WEBHOOK_EXISTS"


class WebhookLimit(Invalid):
    """The project has as many webhook policies as it may have."""

    reason = "WEBHOOK_LIMIT"


class RuleLimit(Invalid):
    """The project has as many rules as it may have."""

    reason = "RULE_LIMIT"


# -- who asks ---------------------------------------------------------------------------------------------


class CredentialsInvalid(Unauthenticated):
    """The user name or the password is wrong, or the account is disabled or has expired."""

    reason = "CREDENTIALS_INVALID"


class TokenInvalid(Unauthenticated):
    """The token is not one of ours, or no longer valid; ask for a new one."""

    reason = "TOKEN_INVALID"


class TicketRevoked(Unauthenticated):
    """The token no longer fits its owner or project; ask for a new one."""

    reason = "TOKEN_REVOKED"


# -- missing things ---------------------------------------------------------------------------------------


class RouteUnknown(NotFound):
    """There is nothing at this path."""

    reason = "ROUTE_UNKNOWN"


class RepositoryUnknown(NotFound):
    """The repository is not known."""

    oci_code = reason = "NAME_UNKNOWN"


class ProjectUnknown(NotFound):
    """There is no such project."""

    oci_code = "NAME_UNKNOWN"
    reason = "PROJECT_UNKNOWN"


class BlobUnknown(NotFound):
    """The blob is not in this repository."""

    oci_code = reason = "BLOB_UNKNOWN"


class UploadUnknown(NotFound):
    """There is no such upload: it was finished, cancelled, has expired, or is not yours."""

    oci_code = reason = "BLOB_UPLOAD_UNKNOWN"


class ExecutionUnknown(NotFound):
    """There is no such execution."""

    reason = "EXECUTION_UNKNOWN"


class TaskUnknown(NotFound):
    """There is no such task."""

    reason = "TASK_UNKNOWN"


class PoolUnknown(NotFound):
    """There is no such process of background jobs (any more)."""

    reason = "POOL_UNKNOWN"


class QueueUnknown(NotFound):
    """There is no such kind of background work."""

    reason = "QUEUE_UNKNOWN"


class ManifestUnknown(NotFound):
    """The manifest is not in this repository."""

    oci_code = reason = "MANIFEST_UNKNOWN"


class TagUnknown(NotFound):
    """The artifact has no such tag."""

    oci_code = "MANIFEST_UNKNOWN"
    reason = "TAG_UNKNOWN"


class PlatformUnknown(NotFound):
    """The index has no image for this platform; `detail.platforms` names those that it has."""

    reason = "PLATFORM_UNKNOWN"


class AdditionUnknown(NotFound):
    """The artifact has no such addition."""

    reason = "ADDITION_UNKNOWN"


class IconUnknown(NotFound):
    """There is no such icon."""

    reason = "ICON_UNKNOWN"


class LabelUnknown(NotFound):
    """There is no such label."""

    reason = "LABEL_UNKNOWN"


class ManifestBlobUnknown(NotFound):
    """The manifest names blobs or manifests that are not in this repository."""

    oci_code = reason = "MANIFEST_BLOB_UNKNOWN"


class UserUnknown(NotFound):
    """There is no such user."""

    reason = "USER_UNKNOWN"


class RobotUnknown(NotFound):
    """There is no such robot."""

    reason = "ROBOT_UNKNOWN"


class TrashUnknown(NotFound):
    """It is not in the trash: it was restored, its time is over, or it was purged."""

    reason = "TRASH_UNKNOWN"


class RetentionUnknown(NotFound):
    """There is no such retention policy."""

    reason = "RETENTION_UNKNOWN"


class ReplicationUnknown(NotFound):
    """There is no such replication policy."""

    reason = "REPLICATION_UNKNOWN"


class WebhookUnknown(NotFound):
    """The project has no such webhook policy."""

    reason = "WEBHOOK_UNKNOWN"


class RefreshTokenUnknown(NotFound):
    """There is no such refresh token."""

    reason = "REFRESH_TOKEN_UNKNOWN"


class AccessTokenUnknown(NotFound):
    """There is no such access token."""

    reason = "ACCESS_TOKEN_UNKNOWN"


class GroupUnknown(NotFound):
    """There is no such group."""

    reason = "GROUP_UNKNOWN"


class MirrorUnknown(NotFound):
    """There is no such mirror."""

    oci_code = "NAME_UNKNOWN"
    reason = "MIRROR_UNKNOWN"


class NotCached(NotFound):
    """It is not in this proxy cache, and the registry that it mirrors has not been asked."""

    reason = "NOT_CACHED"


class RegistryUnknown(NotFound):
    """There is no such registry."""

    reason = "REGISTRY_UNKNOWN"


class QuotaUnknown(NotFound):
    """There is no such quota."""

    reason = "QUOTA_UNKNOWN"


class CertificateUnknown(NotFound):
    """There is no certificate to download: the data folder holds no ca.crt."""

    reason = "CERTIFICATE_UNKNOWN"


class MetadataUnknown(NotFound):
    """The project has no such setting."""

    reason = "METADATA_UNKNOWN"


class MemberUnknown(NotFound):
    """There is no such member."""

    reason = "MEMBER_UNKNOWN"


class RuleUnknown(NotFound):
    """The project has no such rule."""

    reason = "RULE_UNKNOWN"


# -- uploads ----------------------------------------------------------------------------------------------


class UploadOffsetInvalid(RangeInvalid):
    """The chunk does not begin where the upload ends."""

    reason = "UPLOAD_OFFSET_INVALID"


class UploadBusy(RangeInvalid):
    """Another request is writing to this upload."""

    reason = "UPLOAD_BUSY"


class UploadInvalid(Invalid):
    """The upload request is malformed."""

    oci_code = reason = "BLOB_UPLOAD_INVALID"


class UploadLimit(TooMany):
    """This account has too many open uploads; finish or cancel some."""

    reason = "UPLOAD_LIMIT"


# -- refusals ---------------------------------------------------------------------------------------------


class QuotaExceeded(Denied):
    """The project's storage quota does not allow this."""

    code = oci_code = "DENIED"
    reason = "QUOTA_EXCEEDED"


class ProjectFull(Denied):
    """The project may not hold more repositories, or not more tags."""

    code = oci_code = "DENIED"
    reason = "PROJECT_FULL"


class ReadOnly(Denied):
    """The system is in read only mode. Any modification is prohibited."""

    code = oci_code = "DENIED"
    reason = "READ_ONLY"


class MirrorReadOnly(Denied):
    """A mirror is for reading: push to the registry itself, with the project's name."""

    code = oci_code = "DENIED"
    reason = "MIRROR_READ_ONLY"


class ProxyPush(Denied):
    """The project mirrors another registry: nothing is pushed to it. Push to another project."""

    code = oci_code = "DENIED"
    reason = "PROXY_PUSH"


class ItemFixed(Denied):
    """The environment of the server fixes this live setting."""

    reason = "CONFIGURATION_FIXED"


class AccessoryCopy(Denied):
    """An accessory cannot be copied by itself; copy what it refers to."""

    code = oci_code = "DENIED"
    reason = "ACCESSORY_COPY"


class ProxyReadOnly(Unsupported):
    """The project mirrors another registry: no tags are made in it, and nothing is copied into it."""

    reason = "PROXY_READ_ONLY"


class BlobInUse(Unsupported):
    """The blob is used by a manifest of this repository; delete that first."""

    reason = "BLOB_IN_USE"


class ManifestInUse(Precondition):
    """The manifest is part of an index of this repository; delete that first."""

    code = "VIOLATE_FOREIGN_KEY_CONSTRAINT"
    reason = "MANIFEST_IN_USE"


class TagMoved(Precondition):
    """The tag points elsewhere than If-Match says, or to what If-None-Match rules out."""

    reason = "TAG_MOVED"


class ContentDiffers(Precondition):
    """What is here is not what If-Match names."""

    reason = "CONTENT_DIFFERS"


class AccountDisabled(Denied):
    """This account is disabled; an administrator can enable it."""

    reason = "ACCOUNT_DISABLED"


class CrossSite(Denied):
    """The browser sent this request for another site."""

    reason = "CROSS_SITE"


class CsrfTokenInvalid(Denied):
    """The CSRF token is missing or wrong: send the header X-Harbor-CSRF-Token as the last reply to you had it."""

    reason = "CSRF_TOKEN_INVALID"


class TagImmutable(Precondition):
    """A rule keeps this tag from being moved and from being deleted."""

    oci_code = "PRECONDITION"
    reason = "TAG_IMMUTABLE"


class RobotExceeds(Denied):
    """A robot cannot give permissions that it does not have itself."""

    code = "DENIED"
    reason = "ROBOT_EXCEEDS"


class AccountForeign(Denied):
    """The account comes from another system; what describes it and its password are changed there."""

    reason = "ACCOUNT_FOREIGN"


class LocalUsersOff(Denied):
    """Local accounts are off here: `auth_sources` does not name `local`. People come from another system."""

    reason = "LOCAL_USERS_OFF"


class NotAPerson(Precondition):
    """The caller is a robot, and this is about people."""

    reason = "NOT_A_PERSON"


class PreferencesStale(Precondition):
    """The preferences are not what If-Match names: they were changed meanwhile. Read them again."""

    reason = "PREFERENCES_STALE"


class AccessTokensLimit(Precondition):
    """You have 100 access tokens; revoke one first."""

    reason = "ACCESS_TOKENS_LIMIT"


class RefreshTokensLimit(Denied):
    """You have 1000 refresh tokens, the limit; revoke some, or log in with an access token instead."""

    reason = "REFRESH_TOKENS_LIMIT"


class SignUpsThrottled(TooMany):
    """Too many accounts were made from this address; wait before the next one."""

    reason = "SIGN_UPS_THROTTLED"


class LoginThrottled(TooMany):
    """Too many failed logins for this account from this address; wait before the next try."""

    reason = "LOGIN_THROTTLED"


class OidcStateInvalid(Invalid):
    """This sign-in was begun elsewhere, is too old, or was finished already; begin again."""

    reason = "OIDC_STATE_INVALID"


class OidcRefused(Unauthenticated):
    """The OpenID provider did not sign this person in."""

    reason = "OIDC_REFUSED"


class OidcAnswerInvalid(Unauthenticated):
    """What the OpenID provider said of this person cannot be believed."""

    reason = "OIDC_ANSWER_INVALID"


class OidcOff(Precondition):
    """Signing in through an OpenID provider is not set up here."""

    reason = "OIDC_OFF"


class NoOidcUser(Invalid):
    """This user does not sign in through the OpenID provider, and has no CLI secret."""

    reason = "NO_OIDC_USER"


class OidcSettingsInvalid(Invalid):
    """This is not the address of an OpenID provider, or it cannot be used as one."""

    reason = "OIDC_SETTINGS_INVALID"


class SelfRegistrationOff(Precondition):
    """Only administrators may ask this while self-registration is off."""

    reason = "SELF_REGISTRATION_OFF"


class AdditionsBusy(TooMany):
    """Too many archives are being read at this moment; wait before the next try."""

    reason = "ADDITIONS_BUSY"


class LoginBusy(TooMany):
    """Too many passwords are being checked at this moment; wait before the next try."""

    reason = "LOGIN_BUSY"


class LastAdministrator(Precondition):
    """At least one enabled system administrator has to remain."""

    reason = "LAST_ADMINISTRATOR"


class RestoreBlocked(Precondition):
    """What it belongs to is in the trash itself; restore that first."""

    reason = "RESTORE_BLOCKED"


class ReplicationDisabled(Precondition):
    """The replication policy is not enabled; enable it first."""

    reason = "REPLICATION_DISABLED"


class ReplicationRunning(Precondition):
    """A run of the replication policy has not ended; stop it first."""

    reason = "REPLICATION_RUNNING"


class RegistryInUse(Precondition):
    """A replication policy or a proxy-cache project uses the registry; delete that first."""

    reason = "REGISTRY_IN_USE"


class ProjectNotEmpty(Precondition):
    """The project still holds repositories; delete them first."""

    reason = "PROJECT_NOT_EMPTY"


class RemoteBusy(TooMany):
    """The other system asks to be left alone for a while; wait before the next try."""

    reason = "REMOTE_BUSY"


class RemoteRefused(Unprocessable):
    """The other system refused the request; asking again would change nothing."""

    reason = "REMOTE_REFUSED"


# -- conflicts --------------------------------------------------------------------------------------------


class MemberExists(Conflict):
    """The user or group has a role in this project already; change that one."""

    reason = "MEMBER_EXISTS"


class MetadataExists(Conflict):
    """The project has this setting already; change it instead."""

    reason = "METADATA_EXISTS"


class ProjectExists(Conflict):
    """A project of this name exists already."""

    reason = "PROJECT_EXISTS"


class RuleExists(Conflict):
    """The project has a rule that says the same."""

    reason = "RULE_EXISTS"


class MirrorExists(Conflict):
    """This name leads into a project already."""

    reason = "MIRROR_EXISTS"


class RegistryExists(Conflict):
    """A registry of this name exists already."""

    reason = "REGISTRY_EXISTS"


class ReplicationExists(Conflict):
    """A replication policy of this name exists already."""

    reason = "REPLICATION_EXISTS"


class DryRunOutdated(Conflict):
    """That dry run cannot be carried out: it has not ended well, or the rules were changed since. Make a new one."""

    reason = "DRY_RUN_OUTDATED"


class RestoreTaken(Conflict):
    """A name was taken again since it was deleted; restore under another one, such as those in `offer`."""

    reason = "RESTORE_TAKEN"


class TagExists(Conflict):
    """A tag of this name exists already in the repository."""

    reason = "TAG_EXISTS"


class LabelExists(Conflict):
    """A label of this name exists already."""

    reason = "LABEL_EXISTS"


class ArtifactLabelExists(Conflict):
    """The label is on the artifact already."""

    reason = "ARTIFACT_LABEL_EXISTS"


class AccessTokenExists(Conflict):
    """You have an access token of this name already."""

    reason = "ACCESS_TOKEN_EXISTS"


class RobotExists(Conflict):
    """A robot of this name exists already."""

    reason = "ROBOT_EXISTS"


class GroupExists(Conflict):
    """This group exists already."""

    reason = "GROUP_EXISTS"


class UserExists(Conflict):
    """A user of this name or e-mail address exists already."""

    reason = "USER_EXISTS"


class NameTaken(Conflict):
    """An account of this name exists already, and signs in another way; choose another name, or ask for help."""

    reason = "NAME_TAKEN"


# -- parts that fail --------------------------------------------------------------------------------------


class StorageUnavailable(Unavailable):
    """The storage cannot be reached or refuses to write; try again later."""

    reason = "STORAGE_UNAVAILABLE"


class StorageFull(Unavailable):
    """The storage is full; nothing was lost, free some space and try again."""

    reason = "STORAGE_FULL"


class RemoteUnavailable(Unavailable):
    """The other system cannot be reached."""

    reason = "REMOTE_UNAVAILABLE"


class UpstreamFailed(Unavailable):
    """The registry that the project mirrors cannot give this now, and it is not cached."""

    reason = "UPSTREAM_FAILED"


class RemoteMisbehaved(Unavailable):
    """The other system's answer cannot be used."""

    reason = "REMOTE_MISBEHAVED"


class RemoteDenied(Unavailable):
    """The other system does not accept the credentials, or does not allow them to do this."""

    reason = "REMOTE_DENIED"


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached or is too busy; try again later."""

    reason = "DATABASE_UNAVAILABLE"


class OidcUnavailable(Unavailable):
    """The OpenID provider cannot be reached or does not answer as one; try again later."""

    reason = "OIDC_UNAVAILABLE"


class SessionsUnavailable(Unavailable):
    """The store of the sessions cannot be reached; try again later."""

    reason = "SESSIONS_UNAVAILABLE"


class DirectoryUnavailable(Unavailable):
    """The directory did not answer; the password was not checked. Local accounts still work."""

    reason = "DIRECTORY_UNAVAILABLE"


class BlobDamaged(Unavailable):
    """The stored bytes of this blob are damaged or missing; push it again."""

    reason = "BLOB_DAMAGED"
