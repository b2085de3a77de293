"""Every route of the REST API, by subject; and the routes of the API itself."""

import functools

from litestar.handlers import HTTPRouteHandler

from moorage.api import activity_routes as activity
from moorage.api.unimplemented import stand_in, unbuilt
from moorage.artifacts import routes as artifacts
from moorage.audit import purge_routes as audit_purge
from moorage.audit import routes as audit
from moorage.authentication import ldap_routes as directory
from moorage.authentication import oidc_routes as oidc
from moorage.gc import routes as gc
from moorage.inspection import routes as inspection
from moorage.mirrors import routes as mirrors
from moorage.projects import routes as projects
from moorage.quotas import routes as quotas
from moorage.registries import routes as registries
from moorage.replication import routes as replication
from moorage.retention import routes as retention
from moorage.robots import routes as robots
from moorage.system import capability_routes as capabilities
from moorage.system import configuration_routes as configuration
from moorage.system import jobs_routes as background
from moorage.system import routes as system
from moorage.system import typeahead_routes as find
from moorage.system.capabilities import Built
from moorage.tokens import routes as access_tokens
from moorage.trash import routes as trash
from moorage.usage import routes as usage
from moorage.users import current_user_routes as own
from moorage.users import group_routes as groups
from moorage.users import routes as users
from moorage.webhooks import routes as webhooks

BUILT: tuple[HTTPRouteHandler, ...] = (
    *users.ROUTES,
    *own.ROUTES,
    *access_tokens.ROUTES,
    *groups.ROUTES,
    *oidc.ROUTES,
    *robots.ROUTES,
    *directory.ROUTES,
    *projects.ROUTES,
    *quotas.ROUTES,
    *registries.ROUTES,
    *mirrors.ROUTES,
    *audit.ROUTES,
    *audit_purge.ROUTES,
    *artifacts.ROUTES,
    *inspection.ROUTES,
    *usage.ROUTES,
    *trash.ROUTES,
    *retention.ROUTES,
    *replication.ROUTES,
    *webhooks.ROUTES,
    *configuration.ROUTES,
    *gc.ROUTES,
    *system.ROUTES,
    *background.ROUTES,
    *activity.ROUTES,
    *find.ROUTES,
    *capabilities.ROUTES,
)
"""What subjects bring."""


def built_operations() -> Built:
    """The names of the built ones."""
    return Built(frozenset(str(handler.operation_id) for handler in BUILT))


@functools.cache
def every_route() -> tuple[HTTPRouteHandler, ...]:
    """The built ones, and a stand-in for each operation of the contract that is not."""
    return (*BUILT, *(stand_in(one) for one in unbuilt(BUILT)))
