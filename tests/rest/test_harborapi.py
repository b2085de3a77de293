"""A day's work with `harborapi`, a client for Harbor's API that nobody here wrote.

It validates every answer by its own reading of Harbor's contract: a field of another type, a Location, the Link of a
page or an error that it does not understand fails here.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from harborapi import HarborAsyncClient, exceptions, models

from tests.clients import images
from tests.clients.client import Client, Record, Setting
from tests.parts import Parts
from tests.parts.skopeo import Skopeo
from tests.serving import Account, Moorage

ActAs = Callable[[str, str], AbstractAsyncContextManager[HarborAsyncClient]]
GUEST, DEVELOPER, MAINTAINER, ADMIN = 3, 2, 4, 1


@asynccontextmanager
async def sign_in(moorage: Moorage, account: Account) -> AsyncIterator[HarborAsyncClient]:
    """The client as somebody, without its retries: a refusal is to be seen, not to be waited for."""
    client = HarborAsyncClient(
        f"{moorage.url}/api/v2.0", username=account.username, secret=account.password, retry=None
    )
    try:
        yield client
    finally:
        await client.client.aclose()


@pytest.fixture
async def client(moorage: Moorage) -> AsyncIterator[HarborAsyncClient]:
    """As the administrator."""
    async with sign_in(moorage, moorage.admin) as opened:
        yield opened


@pytest.fixture
def act_as(moorage: Moorage) -> ActAs:
    """The client as somebody else."""
    return lambda username, password: sign_in(moorage, Account(username, password))


@pytest.fixture
def skopeo(request: pytest.FixtureRequest, moorage: Moorage, parts: Parts, tmp_path: Path) -> Client:
    """skopeo, signed in as the administrator: the images come from a real client too."""
    part = parts.get("skopeo", Skopeo)
    setting = Setting(request.node.name, moorage.host, tmp_path, parts, Record())
    client = Client(setting, part, part.program)
    words = ("login", "--tls-verify=false", "--username", moorage.admin.username, "--password-stdin", moorage.host)
    client.run(*words, given=moorage.admin.password)
    return client


def push(skopeo: Client, what: images.Image | images.Index, name: str) -> None:
    """Copy an image to the registry, with all platforms."""
    layout = skopeo.folder / what.digest.replace(":", "-")
    if not layout.exists():
        images.write_layout(layout, {"1": what})
    skopeo.run("copy", "--dest-tls-verify=false", "--all", f"oci:{layout}:1", f"docker://{skopeo.host}/{name}")


def number_of(location: str) -> int:
    """The id at the end of a Location."""
    return int(location.rpartition("/")[2])


async def create_user(client: HarborAsyncClient, name: str) -> int:
    """A user with the password `Passw0rd-1`; its id."""
    new = models.UserCreationReq(
        username=name, email=f"{name}@example.org", realname=name.title(), password="Passw0rd-1", comment="by harborapi"
    )
    return number_of(await client.create_user(new))


async def create_project(client: HarborAsyncClient, name: str, *, storage_limit: int | None = None) -> int:
    """A private project; its id. The client asks for its name in the Location."""
    new = models.ProjectReq(project_name=name, metadata=models.ProjectMetadata(public="false"))
    if storage_limit is not None:
        new.storage_limit = storage_limit
    assert (await client.create_project(new)).endswith(f"/projects/{name}")
    made = (await client.get_project(name)).project_id
    assert made
    return made


@contextlib.contextmanager
def refusal(kind: type[exceptions.StatusError], code: str) -> Iterator[None]:
    """The client understands the refusal: its exception is of this kind, and carries the code and a message."""
    with pytest.raises(kind) as caught:
        yield
    assert [one.code for one in caught.value.errors] == [code], caught.value
    assert all(one.message for one in caught.value.errors)


async def test_the_system_presents_itself(client: HarborAsyncClient) -> None:
    assert (await client.ping()).lower() == "pong"
    health = await client.health_check()
    assert health.status == "healthy"
    assert health.components
    info = await client.get_system_info()
    assert info.harbor_version
    assert info.auth_mode == "db_auth"
    volumes = await client.get_system_volume_info()
    assert volumes.storage
    assert volumes.storage[0].total
    assert (await client.get_statistics()).total_project_count
    permissions = await client.get_permissions()
    assert permissions.system
    assert permissions.project


async def test_users_come_change_and_go(client: HarborAsyncClient, act_as: ActAs) -> None:
    number = await create_user(client, "ursula")
    found = await client.get_user_by_username("ursula")
    assert (found.user_id, found.email, found.sysadmin_flag) == (number, "ursula@example.org", False)
    assert [one.username for one in await client.search_users_by_username("ursula")] == ["ursula"]
    assert "ursula" in [one.username for one in await client.get_users(query="username=~ursu")]

    await client.update_user(number, models.UserProfile(email="u@example.org", realname="Ursula", comment="changed"))
    await client.set_user_admin(number, True)
    changed = await client.get_user(number)
    assert (changed.email, changed.comment, changed.sysadmin_flag) == ("u@example.org", "changed", True)
    await client.set_user_admin(number, False)
    async with act_as("ursula", "Passw0rd-1") as herself:
        assert (await herself.get_current_user()).user_id == number
        await herself.set_user_password(number, "Passw0rd-2", "Passw0rd-1")
        with refusal(exceptions.Unauthorized, "UNAUTHORIZED"):
            await herself.get_current_user()
    async with act_as("ursula", "Passw0rd-2") as herself:
        with refusal(exceptions.Forbidden, "FORBIDDEN"):
            await herself.get_users()
        with refusal(exceptions.Forbidden, "FORBIDDEN"):
            await herself.set_user_admin(number, True)

    with refusal(exceptions.Conflict, "CONFLICT"):
        await create_user(client, "ursula")
    await client.delete_user(number)
    with refusal(exceptions.NotFound, "NOT_FOUND"):
        await client.get_user(number)


async def test_projects_hold_settings_and_members(client: HarborAsyncClient, act_as: ActAs) -> None:
    number = await create_project(client, "yard", storage_limit=50_000_000)
    assert await client.project_exists("yard")
    assert not await client.project_exists("nowhere")
    project = await client.get_project("yard")
    assert project.metadata
    assert (project.project_id, project.name, project.metadata.public) == (number, "yard", "false")
    assert (await client.get_project(number)).name == "yard"

    change = models.ProjectReq(metadata=models.ProjectMetadata(auto_scan="true", severity="high"))
    await client.update_project("yard", change)
    await client.set_project_metadata("yard", models.ProjectMetadata(prevent_vul="true"))
    await client.update_project_metadata_entry("yard", "severity", {"severity": "critical"})
    assert await client.get_project_metadata_entry("yard", "severity") == {"severity": "critical"}
    await client.delete_project_metadata_entry("yard", "prevent_vul")
    metadata = await client.get_project_metadata("yard")
    assert (metadata.severity, metadata.auto_scan) == ("critical", "true")
    assert metadata.prevent_vul in {None, "false"}

    user = await create_user(client, "yvonne")
    member = number_of(await client.add_project_member_user("yard", "yvonne", GUEST))
    with refusal(exceptions.Conflict, "CONFLICT"):
        await client.add_project_member_user("yard", user, DEVELOPER)
    async with act_as("yvonne", "Passw0rd-1") as guest:
        assert [one.name for one in await guest.get_projects(query="name=yard")] == ["yard"]
        with refusal(exceptions.Forbidden, "FORBIDDEN"):
            await guest.update_project("yard", change)
        with refusal(exceptions.Forbidden, "FORBIDDEN"):
            await guest.update_project_member_role("yard", member, ADMIN)
        await client.update_project_member_role("yard", member, ADMIN)
        await guest.update_project("yard", change)
        scope = await guest.get_current_user_permissions(scope=f"/project/{number}", relative=True)
        assert ("member", "create") in [(one.resource, one.action) for one in scope]
    shown = await client.get_project_member("yard", member)
    assert (shown.entity_name, shown.entity_type, shown.role_id, shown.role_name) == ("yvonne", "u", 1, "projectAdmin")
    assert [one.entity_name for one in await client.get_project_members("yard", entity_name="yvo")] == ["yvonne"]
    summary = await client.get_project_summary("yard")
    assert summary.quota
    assert summary.quota.hard
    assert summary.quota.hard.root
    assert (summary.repo_count, summary.quota.hard.root["storage"]) == (0, 50_000_000)
    await client.remove_project_member("yard", member)
    with refusal(exceptions.NotFound, "NOT_FOUND"):
        await client.get_project_member("yard", member)

    assert (await client.get_project_deletable("yard")).deletable
    await client.delete_project("yard")
    with refusal(exceptions.NotFound, "NOT_FOUND"):
        await client.get_project("yard")


async def test_every_page_of_a_long_list_is_followed(client: HarborAsyncClient) -> None:
    """The client reads on from Link to Link by itself."""
    for number in range(23):
        await create_project(client, f"row-{number:02}")
    listed = await client.get_projects(query="name=~row-", sort="name", page_size=5)
    assert [one.name for one in listed] == [f"row-{number:02}" for number in range(23)]
    assert len(await client.get_projects(query="name=~row-", page_size=5, limit=7)) == 7
    with refusal(exceptions.BadRequest, "BAD_REQUEST"):
        await client.get_projects(query="name=[a~")


async def test_groups_and_their_members(client: HarborAsyncClient) -> None:
    dn = "cn=crew,dc=example,dc=org"
    group = number_of(
        await client.create_usergroup(models.UserGroup(group_name="crew", group_type=1, ldap_group_dn=dn))
    )
    assert [one.id for one in await client.search_usergroups("crew")] == [group]
    assert dn in [one.ldap_group_dn for one in await client.get_usergroups()]
    await client.update_usergroup(group, models.UserGroup(group_name="sailors"))
    assert (await client.get_usergroup(group)).group_name == "sailors"
    await create_project(client, "crewed")
    member = number_of(await client.add_project_member_group("crewed", group, MAINTAINER))
    shown = await client.get_project_member("crewed", member)
    assert (shown.entity_name, shown.entity_type, shown.role_id) == ("sailors", "g", MAINTAINER)
    await client.delete_usergroup(group)
    assert [one.entity_type for one in await client.get_project_members("crewed")] == ["u"]


async def test_robots_work_with_their_secret_until_it_is_changed(
    client: HarborAsyncClient, act_as: ActAs, tmp_path: Path
) -> None:
    await create_project(client, "depot")
    access = [models.Access(resource="repository", action=action) for action in ("list", "read", "pull", "push")]
    permission = models.RobotPermission(kind="project", namespace="depot", access=access)
    new = models.RobotCreate(name="crane", level="project", duration=30, permissions=[permission])
    made = await client.create_robot(new, path=tmp_path / "robot.json")
    assert made.id
    assert made.name == "robot$depot+crane"
    assert made.secret
    with refusal(exceptions.Conflict, "CONFLICT"):
        await client.create_robot(new)

    async with act_as(made.name, made.secret) as robot:
        assert await robot.get_repositories("depot") == []
        with refusal(exceptions.Forbidden, "FORBIDDEN"):
            await robot.get_project_members("depot")
    shown = await client.get_robot(made.id)
    assert shown.permissions
    assert shown.permissions[0].access
    assert {one.action for one in shown.permissions[0].access} == {"list", "read", "pull", "push"}
    shown.description = "lifts images"
    await client.update_robot(made.id, shown)
    assert (await client.get_robot(made.id)).description == "lifts images"
    project = await client.get_project("depot")
    listed = await client.get_robots(query=f"Level=project,ProjectID={project.project_id}")
    assert [one.id for one in listed] == [made.id]

    await client.refresh_robot_secret(made.id, "An0ther-secret-of-mine")
    async with act_as(made.name, "An0ther-secret-of-mine") as robot:
        assert await robot.get_repositories("depot") == []
    shown.disable = True
    await client.update_robot(made.id, shown)
    async with act_as(made.name, "An0ther-secret-of-mine") as robot:
        with refusal(exceptions.Unauthorized, "UNAUTHORIZED"):
            await robot.get_repositories("depot")
    await client.delete_robot(made.id)
    with refusal(exceptions.NotFound, "NOT_FOUND"):
        await client.get_robot(made.id)


@pytest.mark.part("skopeo")
async def test_images_are_looked_at_labelled_copied_found_and_deleted(
    client: HarborAsyncClient, skopeo: Client
) -> None:
    image, other = images.image("harborapi"), images.image("other", size_bytes=1000, architecture="arm64")
    both = images.index(image, other)
    project = await create_project(client, "quay")
    await create_project(client, "mirror")
    push(skopeo, image, "quay/deep/app:v1")
    push(skopeo, both, "quay/deep/app:all")

    listed = await client.get_repositories("quay")
    assert [(one.name, one.artifact_count) for one in listed] == [("quay/deep/app", 2)]
    await client.update_repository("quay", "deep/app", models.Repository(description="words about it"))
    assert (await client.get_repository("quay", "deep/app")).description == "words about it"

    shown = await client.get_artifact("quay", "deep/app", "v1", with_label=True, with_accessory=True)
    assert shown.extra_attrs
    assert shown.extra_attrs.root
    assert (shown.digest, shown.type, shown.extra_attrs.root["architecture"]) == (image.digest, "IMAGE", "amd64")
    assert [one.name for one in shown.tags or ()] == ["v1"]
    assert len(await client.get_artifact_build_history("quay", "deep/app", "v1")) == len(image.layers)
    index = await client.get_artifact("quay", "deep/app", both.digest)
    assert {one.child_digest for one in index.references or ()} == {image.digest, other.digest}
    assert {one.digest for one in await client.get_artifacts("quay", "deep/app", query="tags=*")} == {
        image.digest,
        both.digest,
    }
    everywhere = await client.get_project_artifacts("quay", with_tag=True)
    assert {one.digest for one in everywhere} == {image.digest, both.digest}
    assert await client.get_artifact_accessories("quay", "deep/app", "v1") == []

    label = number_of(
        await client.create_label(models.Label(name="fit", color="#00ff00", scope="p", project_id=project))
    )
    await client.update_label(label, models.Label(name="fitter", color="#00ff00", scope="p", project_id=project))
    assert (await client.get_label(label)).name == "fitter"
    assert [one.id for one in await client.get_labels(scope="p", project_id=project, name="fitter")] == [label]
    await client.add_artifact_label("quay", "deep/app", "v1", models.Label(id=label))
    with refusal(exceptions.Conflict, "CONFLICT"):
        await client.add_artifact_label("quay", "deep/app", "v1", models.Label(id=label))
    labelled = await client.get_artifacts("quay", "deep/app", query=f"labels=({label})", with_label=True)
    assert [(one.digest, [one.name for one in one.labels or ()]) for one in labelled] == [(image.digest, ["fitter"])]
    await client.delete_artifact_label("quay", "deep/app", "v1", label)
    await client.delete_label(label)

    await client.create_artifact_tag("quay", "deep/app", "v1", models.Tag(name="stable"))
    with refusal(exceptions.Conflict, "CONFLICT"):
        await client.create_artifact_tag("quay", "deep/app", "v1", models.Tag(name="stable"))
    names = await client.get_artifact_tags("quay", "deep/app", image.digest, sort="name")
    assert [one.name for one in names] == ["stable", "v1"]
    location = await client.copy_artifact("mirror", "app", f"quay/deep/app@{image.digest}")
    assert location.endswith(f"/projects/mirror/repositories/app/artifacts/{image.digest}")
    assert (await client.get_artifact("mirror", "app", image.digest)).size == shown.size
    found = await client.search("deep/app")
    assert [one.repository_name for one in found.repository or ()] == ["quay/deep/app"]

    await client.delete_artifact_tag("quay", "deep/app", image.digest, "stable")
    with refusal(exceptions.NotFound, "NOT_FOUND"):
        await client.get_artifact("quay", "deep/app", "stable")
    with refusal(exceptions.PreconditionFailed, "VIOLATE_FOREIGN_KEY_CONSTRAINT"):
        await client.delete_artifact("quay", "deep/app", image.digest)
    with refusal(exceptions.PreconditionFailed, "PRECONDITION"):
        await client.delete_project("quay")
    await client.delete_artifact("quay", "deep/app", "all")
    await client.delete_artifact("quay", "deep/app", "v1")
    await client.delete_repository("quay", "deep/app")
    with refusal(exceptions.NotFound, "NOT_FOUND"):
        await client.get_repository("quay", "deep/app")
    await client.delete_project("quay")


@pytest.mark.part("skopeo")
async def test_a_rule_keeps_tags(client: HarborAsyncClient, skopeo: Client) -> None:
    await create_project(client, "kept")
    image = images.image("kept", size_bytes=1000)
    push(skopeo, image, "kept/app:v1.0")
    everything = models.ImmutableSelector(kind="doublestar", decoration="repoMatches", pattern="**")
    rule = models.ImmutableRule(
        disabled=False,
        action="immutable",
        template="immutable_template",
        tag_selectors=[models.ImmutableSelector(kind="doublestar", decoration="matches", pattern="v*")],
        scope_selectors={"repository": [everything]},
    )
    number = number_of(await client.create_project_immutable_tag_rule("kept", rule))
    (listed,) = await client.get_project_immutable_tag_rules("kept")
    assert listed.id == number
    (tag,) = await client.get_artifact_tags("kept", "app", image.digest, with_immutable_status=True)
    assert tag.immutable is True
    with refusal(exceptions.PreconditionFailed, "PRECONDITION"):
        await client.delete_artifact_tag("kept", "app", image.digest, "v1.0")
    await client.enable_project_immutable_tagrule("kept", number, enabled=False)
    await client.delete_artifact_tag("kept", "app", image.digest, "v1.0")
    await client.update_project_immutable_tag_rule("kept", number, rule)
    await client.delete_project_immutable_tag_rule("kept", number)
    assert await client.get_project_immutable_tag_rules("kept") == []


@pytest.mark.part("skopeo")
async def test_a_quota_is_seen_raised_and_holds(client: HarborAsyncClient, skopeo: Client) -> None:
    number = await create_project(client, "narrow", storage_limit=1_000)
    image = images.image("narrow", size_bytes=20_000)
    layout = images.write_layout(skopeo.folder / "large", {"1": image})
    words = ("copy", "--dest-tls-verify=false", f"oci:{layout}:1", f"docker://{skopeo.host}/narrow/app:1")
    skopeo.refuses(*words)
    (quota,) = await client.get_quotas(reference="project", reference_id=str(number))
    assert quota.id
    assert quota.hard
    assert quota.used
    assert quota.hard.root
    assert quota.used.root
    assert (quota.hard.root["storage"], quota.used.root["storage"]) == (1_000, 0)
    await client.update_quota(quota.id, models.QuotaUpdateReq(hard=models.ResourceList({"storage": 1_000_000})))
    skopeo.run(*words)
    after = await client.get_quota(quota.id)
    assert after.used
    assert after.used.root
    assert after.used.root["storage"] == sum(len(blob.data) for blob in image.blobs())
    with refusal(exceptions.BadRequest, "BAD_REQUEST"):
        await client.update_quota(quota.id, models.QuotaUpdateReq(hard=models.ResourceList({"storage": -7})))


async def test_settings_change_and_secrets_stay_secret(client: HarborAsyncClient, act_as: ActAs) -> None:
    before = await client.get_config()
    assert before.robot_token_duration
    secret = "a-secret-that-nobody-reads"
    await client.update_config(models.Configurations(robot_token_duration=21, ldap_search_password=secret))
    after = await client.get_config()
    assert after.robot_token_duration
    assert (after.robot_token_duration.value, after.robot_token_duration.editable) == (21, True)
    assert secret not in after.model_dump_json()
    with refusal(exceptions.BadRequest, "BAD_REQUEST"):
        await client.update_config(models.Configurations(robot_token_duration=-5))
    await create_user(client, "carla")
    async with act_as("carla", "Passw0rd-1") as nobody:
        with refusal(exceptions.Forbidden, "FORBIDDEN"):
            await nobody.get_config()
        with refusal(exceptions.Forbidden, "FORBIDDEN"):
            await nobody.update_config(models.Configurations(robot_token_duration=1))
    assert (await client.get_config()).robot_token_duration == after.robot_token_duration

    allowed = models.CVEAllowlist(items=[models.CVEAllowlistItem(cve_id="CVE-2026-0001")])
    await client.update_cve_allowlist(allowed)
    assert [one.cve_id for one in (await client.get_cve_allowlist()).items or ()] == ["CVE-2026-0001"]


@pytest.mark.part("skopeo")
async def test_what_happened_is_in_the_log(client: HarborAsyncClient, skopeo: Client) -> None:
    """The client asks for the older form of the log, which has what happens to artifacts."""
    await create_project(client, "told")
    image = images.image("told", size_bytes=1000)
    push(skopeo, image, "told/app:v1")
    await client.delete_artifact("told", "app", "v1")
    rows = await client.get_audit_logs(query="operation={create delete}", sort="op_time", page_size=50)
    own = [(one.username, one.operation, one.resource) for one in rows if (one.resource or "").startswith("told/")]
    assert own == [("admin", "create", "told/app:v1"), ("admin", "delete", f"told/app@{image.digest}")]
    logs = await client.get_project_logs("told", sort="op_time")
    assert [(one.operation, one.resource) for one in logs] == [("create", "told"), *(row[1:] for row in own)]


async def test_a_wrong_password_is_an_error_of_its_own(act_as: ActAs) -> None:
    async with act_as("admin", "wrong") as nobody:
        with refusal(exceptions.Unauthorized, "UNAUTHORIZED"):
            await nobody.get_current_user()
