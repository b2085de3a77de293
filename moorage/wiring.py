"""Who hears of what, and the database that tells them: what workers and commands share of the composition root.

It knows the subjects, and nothing of what answers requests: a process that serves nobody stays small.
"""

from moorage.audit import on_events as audit
from moorage.audit.event_filter import LiveRules
from moorage.audit.syslog_export import on_configuration_changed
from moorage.configuration.schema import Items
from moorage.db.engine import Database
from moorage.db.unit_of_work import Subscribers
from moorage.events import (
    ArtifactDeleted,
    ArtifactsPulled,
    ConfigurationChanged,
    CopyRefused,
    ExecutionEnded,
    ManifestPushed,
    ProjectCreated,
    RepositoryDeleted,
    TagCreated,
    TagDeleted,
    TaskEnded,
)
from moorage.replication import on_events as replication
from moorage.retention import on_events as retention
from moorage.settings import Settings
from moorage.trash.quota_reclaim import reliever
from moorage.usage.daily_usage import DayNotes
from moorage.webhooks.on_events import Teller


def wire(audit_rules: LiveRules | None = None, days: DayNotes | None = None, *, host: str = "localhost") -> Subscribers:
    """Who hears of what. `host`: of this server, as clients call it."""
    subscribers = Subscribers()
    subscribers.on(ConfigurationChanged, on_configuration_changed)  # first: its own row is the first to be sent
    recorder = audit.Recorder(audit_rules)
    for event in audit.REACTIONS:
        subscribers.on(event, recorder.hear)
    subscribers.on(ProjectCreated, retention.on_project_created)
    if days is not None:
        subscribers.on(ManifestPushed, days.on_pushed).on(ArtifactsPulled, days.on_pulled)
    teller = Teller(host, lambda: audit_rules.items() if audit_rules is not None and audit_rules.items else Items())
    subscribers.on(ManifestPushed, teller.on_pushed).on(ArtifactsPulled, teller.on_pulled)
    subscribers.on(RepositoryDeleted, teller.on_repository_deleted)
    subscribers.on(ArtifactDeleted, teller.on_deleted).on(ExecutionEnded, teller.on_execution_ended)
    subscribers.on(TaskEnded, teller.on_task_ended).on(CopyRefused, teller.on_copy_refused)
    subscribers.on(TaskEnded, replication.on_task_ended).on(ExecutionEnded, replication.on_execution_ended)
    subscribers.on(ManifestPushed, replication.on_pushed).on(TagCreated, replication.on_tag_created)
    subscribers.on(RepositoryDeleted, replication.on_repository_deleted)
    subscribers.on(TagDeleted, replication.on_tag_deleted).on(ArtifactDeleted, replication.on_artifact_deleted)
    return subscribers


def open_database(settings: Settings, audit_rules: LiveRules | None = None, days: DayNotes | None = None) -> Database:
    """The database that the settings name, with its subscribers wired."""
    subscribers = wire(audit_rules, days, host=host_of(settings))
    database = Database(settings.database_url, pool_size=settings.database.pool_size, subscribers=subscribers)
    database.relieve = reliever(database, settings.uploads.lease_seconds)
    return database


def host_of(settings: Settings) -> str:
    """The host of this server, as clients call it."""
    return (settings.external_url or f"http://{settings.listen}").partition("://")[2].rstrip("/")
