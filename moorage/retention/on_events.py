"""Create the retention policy of a new proxy cache."""

from moorage.db.unit_of_work import Work
from moorage.events import ProjectCreated
from moorage.retention.service import create_proxy_policy


def on_project_created(work: Work, event: ProjectCreated) -> None:
    """Give a new proxy cache its first retention policy, in the transaction that creates the project."""
    if event.registry_id is not None:
        create_proxy_policy(work, event.project_id)
