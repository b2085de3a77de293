// Written by tools/write_docs.py from the OpenAPI document; change the routes and run it.

/** An action on a resource. */
export interface Access {
  resource?: string | null;
  action?: string | null;
  /** Only `allow` (or nothing) is known. */
  effect?: string | null;
}

/** An access token; */
export interface AccessToken {
  id: number;
  name: string;
  /** Of `pull`, `push`, `delete`, `api:read` and `api:write`. */
  scopes: string[];
  /** Names of the projects that it is for; */
  projects: string[] | null;
  creation_time: string;
  /** To the minute; */
  last_used: string | null;
  /** null: never. */
  expires_at: string | null;
}

/** A new access token. */
export interface AccessTokenCreated {
  id: number;
  name: string;
  /** The secret. */
  token: string;
}

/** An access token to make. */
export interface AccessTokenReq {
  /** 1 to 64 characters; */
  name: string;
  /** Of `pull`, `push` (brings pull along), `delete`, `api:read` and `api:write`. */
  scopes: string[];
  /** Names of 1 to 50 projects; */
  projects?: string[] | null;
  /** Days: 1 to 365, 90 when it is left out; */
  duration?: number | null;
}

/** An artifact that refers to another one, as a signature or an SBOM does. */
export interface Accessory {
  id: number;
  artifact_id: number;
  subject_artifact_id: number;
  subject_artifact_digest: string;
  subject_artifact_repo: string;
  size: number;
  digest: string;
  type: string;
  icon: string;
  creation_time: string;
  /** What its manifest says it is, as in a list of referrers; */
  artifact_type?: string;
  /** Whether something refers to it in turn, as a signature to an SBOM. */
  has_accessories?: boolean;
}

/** How many accessories of a type an artifact has. */
export interface AccessoryCount {
  type: string;
  count: number;
}

/** What is to be done with a queue. */
export interface ActionRequest {
  /** stop, pause or resume. */
  action?: string;
}

/** Where more is said of an artifact. */
export interface AdditionLink {
  href: string;
  absolute: boolean;
}

/** An artifact: a manifest and what is known about it. */
export interface Artifact {
  id: number;
  type: string;
  media_type: string;
  manifest_media_type: string;
  artifact_type?: string;
  project_id: number;
  repository_id: number;
  repository_name: string;
  digest: string;
  size: number;
  icon?: string;
  push_time: string;
  pull_time: string;
  extra_attrs?: Record<string, unknown> | null;
  annotations?: Record<string, string> | null;
  references?: Reference[] | null;
  tags?: Tag[] | null;
  addition_links?: Record<string, AdditionLink> | null;
  labels?: Label[] | null;
  accessories?: Accessory[] | null;
  inherited_accessories?: Accessory[] | null;
}

/** What artifacts take, with what would go with them: accessories, and children that nothing else needs. */
export interface ArtifactBytes {
  /** What the project's quota gets back once they are deleted and purged. */
  own: number;
  /** Of blobs that other artifacts of the repository use, in its trash too, and no other repository holds. */
  shared_here: number;
  /** Of blobs that other repositories of the project hold. */
  shared_elsewhere: number;
}

/** An artifact. */
export interface ArtifactFound {
  project_id: number;
  /** The whole name. */
  repository: string;
  digest: string;
  type: string;
  /** The first of its tags; */
  tag: string | null;
  push_time: string;
}

/** What an artifact consists of. */
export interface ArtifactParts {
  artifact_id: number;
  digest: string;
  type: string;
  /** Of the manifest. */
  media_type: string;
  artifact_type: string;
  annotations: Record<string, string>;
  subject: PointedTo | null;
  /** As it was pushed: the UTF-8 of this text has the digest. */
  manifest: string;
  manifest_size: number;
  /** The manifest with config and layers, or with its children. */
  size: number;
  /** Of an image; */
  platform: string;
  /** null: an index has none. */
  config: ConfigPart | null;
  layers: LayerPart[];
  children: ChildPart[];
}

/** Entries, the newest first, and the keys to ask for those before and after them. */
export interface AuditEntriesOut {
  entries: AuditEntryOut[];
  older_than: string;
  newer_than: string;
}

/** All that is known about one act. */
export interface AuditEntryOut {
  id: number;
  op_time: string;
  username: string;
  credential: string;
  address: string;
  request_id: string;
  project_id: number | null;
  event_type: string;
  operation: string;
  resource_type: string;
  resource: string;
  operation_description: string;
  operation_result: boolean;
  repeats: number;
  detail: Record<string, unknown>;
}

/** What somebody did, in the older form. */
export interface AuditLog {
  id: number;
  username?: string;
  resource?: string;
  resource_type?: string;
  operation?: string;
  op_time?: string;
}

/** A kind of event, as `disabled_audit_log_event_types` names it. */
export interface AuditLogEventType {
  event_type: string;
}

/** What somebody did, or was refused. */
export interface AuditLogExt {
  id: number;
  username?: string;
  resource?: string;
  resource_type?: string;
  operation?: string;
  operation_description?: string;
  operation_result: boolean;
  op_time?: string;
}

/** A live setting. */
export interface BoolConfigItem {
  value: boolean;
  /** Whether it can be changed here. */
  editable: boolean;
  /** The variable of the environment that fixes it otherwise. */
  variable?: string;
}

/** Vulnerabilities that no policy minds. */
export interface CVEAllowlist {
  id?: number;
  /** 0: the system's list. */
  project_id?: number;
  /** In Unix seconds; */
  expires_at?: number | null;
  items?: CVEAllowlistItem[] | null;
  creation_time?: string;
  update_time?: string;
}

/** A vulnerability that no policy minds. */
export interface CVEAllowlistItem {
  /** As in `CVE-2024-3094`. */
  cve_id: string;
}

/** What this server can do. */
export interface Capabilities {
  /** By name: trash, tag_history, immutability, replication, scanning, mirror, preheat, retention, webhooks, … */
  capabilities: Record<string, boolean>;
  /** Where people come from: `local`, `ldap`, `oidc`, `header`, in the order in which they are asked. */
  sign_in: string[];
  /** Whether every change is refused now. */
  read_only: boolean;
}

/** One rule. */
export interface Check {
  rule: string;
  allows: boolean | null;
  text: string;
  /** What `text` says, as a word that stays. */
  code: string;
  /** What is put into the sentence; */
  values: Record<string, string | number>;
}

/** An entry of an index. */
export interface ChildPart {
  media_type: string;
  digest: string;
  artifact_type: string;
  annotations: Record<string, string>;
  /** `linux/amd64`, `linux/arm/v7`; */
  platform: string;
  os_version: string;
  /** Whether it is what a builder says of another entry, and nothing that runs. */
  attestation: boolean;
  /** null: the child is not in the repository. */
  artifact_id: number | null;
  type: string;
  /** With config and layers; */
  size: number;
}

/** Ours: the CLI secret that was made up. */
export interface CliSecretOut {
  secret?: string;
}

/** A layer of one side or of both. */
export interface ComparedLayer {
  /** `same`, `added` or `removed`. */
  state: string;
  digest: string;
  media_type: string;
  size: number;
  /** From 1; */
  from_position: number | null;
  to_position: number | null;
  /** The command that made it; */
  created_by: string | null;
}

/** One of the two. */
export interface ComparedSide {
  digest: string;
  type: string;
  media_type: string;
  size: number;
  push_time: string;
  /** What it runs on, in one order. */
  platforms: string[];
  /** Of the manifest that was compared: a child where `digest` is an index, else the same. */
  compared_digest: string;
  /** What that runs on; */
  compared_platform: string;
  compared_size: number;
  /** Why its config was not compared: `absent`, `too_large`, `damaged`, `unavailable`, `not_json`. */
  config_unread: string;
}

/** What differs between two artifacts. */
export interface Comparison {
  from: ComparedSide;
  to: ComparedSide;
  /** Whether both are one manifest. */
  equal: boolean;
  common_platforms: string[];
  /** Of the manifests that were compared; */
  size_difference: number;
  /** In the order of the second; */
  layers: ComparedLayer[];
  same: LayerSum;
  added: LayerSum;
  removed: LayerSum;
  /** Empty also where a config could not be read. */
  config: ConfigDifference[];
  left_out: LeftOut[];
}

/** The health of a part. */
export interface ComponentHealthStatus {
  name: string;
  /** `healthy` or `unhealthy`. */
  status: string;
  error?: string;
}

/** What the configs say differently. */
export interface ConfigDifference {
  /** `user`, `working_dir`, `entrypoint`, `cmd`, `env`, `port`, `volume`, `label`, `stop_signal`, `healthcheck`, `shell`, `on_build`, `architecture`, `os`, `variant` */
  part: string;
  /** Of the variable, port, volume, label, or key; */
  name: string;
  /** `added`, `removed` or `changed`. */
  change: string;
  /** As JSON; */
  before?: unknown;
  after?: unknown;
}

/** The config of an artifact. */
export interface ConfigPart {
  media_type: string;
  digest: string;
  size: number;
  /** null: the blob is not in the repository. */
  used_by: UsedBy | null;
  /** As it was pushed, if it is a JSON object of at most 1 MiB. */
  content: Record<string, unknown> | null;
  /** Why there is no content: `absent`, `too_large`, `damaged`, `unavailable` (now), `not_json`. */
  unread: string;
}

/** Live settings to change. */
export type Configurations = Record<string, unknown>;

/** Every live setting but secrets. */
export type ConfigurationsResponse = Record<string, unknown>;

/** What deleting would do. */
export interface Deletion {
  /** Whether nothing refuses it. */
  allowed: boolean;
  /** At most 1,000. */
  refused: Refused[];
  refused_count: number;
  /** That go, by name, at most 1,000. */
  tags: string[];
  tag_count: number;
  /** That go, or stay without a tag; */
  artifacts: GoingArtifact[];
  /** That go, without the accessories and children among them. */
  artifact_count: number;
  accessory_count: number;
  child_count: number;
  /** That lose their last tag, and stay. */
  untagged_count: number;
  repository_count: number;
  /** Bytes that the project's quota gets back at the purge; */
  freed: number;
  /** Bytes that are used elsewhere, and stay. */
  shared: number;
  /** How long it can be restored; */
  trash_days: number;
  /** Until when, if it were deleted now. */
  purge_time: string;
  /** Tags and digests that the repository has not. */
  unknown: string[];
}

/** What was found, errors first. */
export interface Diagnosis {
  /** The worst of all findings. */
  state: "ok" | "warning" | "error";
  /** The machine that answered: another replica may find other things. */
  host: string;
  version: string;
  findings: Finding[];
}

/** What went wrong. */
export interface Errors {
  errors: ({
    code: string;
    message: string;
    detail?: Record<string, unknown>;
  })[];
}

/** A run of the purge of the audit log. */
export interface ExecHistory {
  id?: number;
  job_name?: string;
  job_kind?: string;
  /** A JSON object, as text. */
  job_parameters?: string;
  job_status?: string;
  deleted?: boolean;
  creation_time?: string;
  update_time?: string;
  schedule?: ScheduleObj | null;
}

/** Whether the action is allowed, and why. */
export interface Explanation {
  allowed: boolean;
  /** The rule that decided: the first that takes the right away, else the first that gives it. */
  decided_by: string;
  /** Every rule that was asked, in order. */
  checks: Check[];
}

/** A filter of a replication policy, and how a form asks for it. */
export interface FilterStyle {
  type: string;
  style: string;
  values?: string[];
}

/** One thing that was looked at. */
export interface Finding {
  /** Which thing is wrong: `DISK_NEARLY_FULL`; */
  code: string;
  state: "ok" | "warning" | "error";
  /** settings, permissions, keys, database, storage, port, certificate, machine, sign-in, audit, clock, jobs, registries. */
  area: string;
  /** The file, the setting or the part. */
  where: string;
  text: string;
  /** What to do about it; */
  mend: string;
  /** What was found, also where all is well: the code, or a name such as `STORAGE_WRITABLE`. */
  kind: string;
  /** What `text` names beside `where`, for other languages: `_at` is a time (RFC 3339), `_bytes` a size. */
  facts: Record<string, string | number | string[]>;
}

/** What was found, the best of each kind first. */
export interface Found {
  projects: ProjectFound[];
  repositories: RepositoryFound[];
  tags: TagFound[];
  artifacts: ArtifactFound[];
  /** null: nobody asked. */
  totals: FoundTotals | null;
}

/** How many there are of each kind. */
export interface FoundTotals {
  projects: number;
  repositories: number;
  /** Of a word: repositories with such a tag; */
  tags: number;
  artifacts: number;
}

/** A run of garbage collection. */
export interface GCHistory {
  id?: number;
  job_name?: string;
  job_kind?: string;
  /** A JSON object, as text. */
  job_parameters?: string;
  job_status?: string;
  deleted?: boolean;
  creation_time?: string;
  update_time?: string;
  schedule?: ScheduleObj | null;
}

/** What clients need to know of this server; */
export interface GeneralInfo {
  /** The contract's name of the first source of people. */
  auth_mode: string;
  primary_auth_mode?: boolean;
  self_registration?: boolean | null;
  /** The text of a JSON object. */
  banner_message?: string;
  oidc_provider_name?: string;
  /** Ours: all sources, in the order in which they are asked. */
  auth_sources?: string[];
  /** Ours; */
  moorage_version?: string;
  has_ca_root?: boolean | null;
  project_creation_restriction?: string | null;
  /** The contract's version and ours. */
  harbor_version?: string;
  external_url?: string;
  registry_url?: string;
  read_only?: boolean | null;
  registry_storage_provider_name?: string;
  /** Ours: `sqlite` or `postgresql`. */
  database?: string;
  notification_enable?: boolean | null;
  current_time?: string;
}

/** An artifact that would go, or lose its last tag. */
export interface GoingArtifact {
  digest: string;
  type: string;
  media_type: string;
  size: number;
  /** `itself`, `accessory`: it refers to what goes, `child`: only what goes needs it; */
  why: string;
}

/** A drawing: `content` in base64. */
export interface Icon {
  content: string;
  "content-type": string;
}

/** A rule: tags that it selects, in repositories that it selects, may neither move nor be deleted. */
export interface ImmutableRule {
  id?: number | null;
  priority?: number | null;
  disabled?: boolean | null;
  action?: string | null;
  template?: string | null;
  params?: Record<string, unknown> | null;
  tag_selectors?: ImmutableSelector[] | null;
  scope_selectors?: Record<string, ImmutableSelector[]> | null;
}

/** Which repositories, or which tags. */
export interface ImmutableSelector {
  kind?: string | null;
  /** Of tags `matches` or `excludes`, of repositories `repoMatches` or `repoExcludes`. */
  decoration?: string | null;
  pattern?: string | null;
  extras?: string | null;
}

/** A live setting. */
export interface IntegerConfigItem {
  value: number;
  /** Whether it can be changed here. */
  editable: boolean;
  /** The variable of the environment that fixes it otherwise. */
  variable?: string;
}

/** A live setting. */
export interface InternalConfigurationValue {
  value: unknown;
  editable: boolean;
}

/** What waits of a kind of work. */
export interface JobQueue {
  job_type: string;
  count: number;
  /** Seconds that the oldest has waited. */
  latency: number;
  paused: boolean;
}

/** The rule that makes a tag immutable; */
export interface KeptBy {
  id: number;
  kind: string;
  pattern: string;
}

/** A label. */
export interface Label {
  id?: number | null;
  name?: string | null;
  description?: string | null;
  color?: string | null;
  scope?: string | null;
  project_id?: number | null;
  creation_time?: string | null;
  update_time?: string | null;
}

/** A layer, or a file of what is no image. */
export interface LayerPart {
  media_type: string;
  digest: string;
  size: number;
  annotations: Record<string, string>;
  /** Where a foreign layer can be had. */
  urls: string[];
  /** null: the blob is not in the repository. */
  used_by: UsedBy | null;
  /** The command that made it; */
  created_by: string | null;
  created: string | null;
  author: string | null;
  comment: string | null;
}

/** How many layers, and their bytes. */
export interface LayerSum {
  count: number;
  size: number;
}

/** Settings to try before they are saved; */
export interface LdapConf {
  ldap_url?: string | null;
  ldap_search_dn?: string | null;
  /** Left out: the saved one, if address and account are the saved ones, too. */
  ldap_search_password?: string | null;
  ldap_base_dn?: string | null;
  ldap_filter?: string | null;
  ldap_uid?: string | null;
  ldap_scope?: number | null;
  /** Seconds; */
  ldap_connection_timeout?: number | null;
  ldap_verify_cert?: boolean | null;
  /** Of ours: as the setting of that name. */
  ldap_start_tls?: boolean | null;
  /** Of ours: as the setting of that name. */
  ldap_ca_certificate?: string | null;
}

/** Somebody who could not be imported, and why: `error` for people, `reason` for programs (docs/use/errors.md). */
export interface LdapFailedImportUser {
  uid: string;
  error: string;
  reason: string;
}

/** A group in the directory; */
export interface LdapGroup {
  group_name: string;
  ldap_group_dn: string;
  group_type?: number;
}

/** Whom to import, by the value of `ldap_uid`; */
export interface LdapImportUsers {
  ldap_uid_list?: string[] | null;
}

/** Whether all steps went well; */
export interface LdapPingResult {
  success: boolean;
  message: string;
  /** Of ours. */
  steps: LdapPingStep[];
  /** Of ours: the code of what failed; */
  reason: string;
}

/** One step: `resolve`, `connect`, `tls`, `bind`, `search`. */
export interface LdapPingStep {
  name: string;
  success: boolean;
  milliseconds: number;
  message: string;
  /** Why it failed, as a code (docs/use/errors.md); */
  reason: string;
}

/** Somebody in the directory. */
export interface LdapUser {
  username: string;
  realname: string;
  email: string;
}

/** What was not compared. */
export interface LeftOut {
  what: string;
  why: string;
}

/** A live setting. */
export interface ListConfigItem {
  value: string[];
  /** Whether it can be changed here. */
  editable: boolean;
  /** The variable of the environment that fixes it otherwise. */
  variable?: string;
}

/** A label, with how much it is used. */
export interface ListedLabel {
  id?: number | null;
  name?: string | null;
  description?: string | null;
  color?: string | null;
  scope?: string | null;
  project_id?: number | null;
  creation_time?: string | null;
  update_time?: string | null;
  /** Ours: artifacts that carry it; */
  artifact_count?: number | null;
}

/** How many were meant, of how many that were looked at. */
export interface MatchCount {
  matched: number;
  of: number;
}

/** Selectors to try on what there is. */
export interface MatchReq {
  /** Of repositories: in a project by their names without it, in the whole registry by their whole names. */
  repository?: SelectorToTry | null;
  /** Of tags, in those repositories; */
  tag?: SelectorToTry | null;
  /** How many names the answer shows, 0 to 100. */
  first?: number;
}

/** A tag that is meant. */
export interface MatchedTag {
  repository: string;
  tag: string;
}

/** What the selectors mean. */
export interface Matches {
  repositories: MatchCount;
  /** Of the repositories that are meant; */
  tags: MatchCount | null;
  /** In the order of their names. */
  first_repositories: string[];
  /** In the order of their repositories and names. */
  first_tags: MatchedTag[];
  /** Whether everything was looked at; */
  complete: boolean;
}

/** Which artifacts to measure. */
export interface MeasureReq {
  /** Tags and digests, 1 to 500. */
  references: string[];
}

/** What one artifact takes, as if it alone were deleted. */
export interface MeasuredArtifact {
  /** What the project's quota gets back once they are deleted and purged. */
  own: number;
  /** Of blobs that other artifacts of the repository use, in its trash too, and no other repository holds. */
  shared_here: number;
  /** Of blobs that other repositories of the project hold. */
  shared_elsewhere: number;
  reference: string;
  digest: string;
  /** What it takes to pull it. */
  size: number;
}

/** What artifacts take. */
export interface MeasuredArtifacts {
  /** In the order of the references. */
  each: MeasuredArtifact[];
  /** As if all of them were deleted: what only they share comes back. */
  together: ArtifactBytes;
  /** How many would go, with accessories and children. */
  artifacts: number;
  /** References that name nothing. */
  unknown: string[];
}

/** A group through which somebody has access, and the role that it gives. */
export interface MemberGroup {
  group_name: string;
  role_id: number;
}

/** A mirror. */
export interface Mirror {
  id: number;
  kind: string;
  name: string;
  project_id: number;
  project_name: string;
  /** Its project is in the trash: until it is restored, this leads nowhere. */
  in_trash: boolean;
  creation_time: string;
}

/** A mirror to make. */
export interface MirrorNew {
  /** `host`: where clients send their requests, `NAME` or `NAME:PORT`; */
  kind: string;
  /** `hub.example.com`, `5001`, `docker.io`. */
  name: string;
  /** The project that it leads to; */
  project_name: string;
}

/** A tag to be made: its `name` is read, and nothing else. */
export interface NewTag {
  name?: string;
}

/** A new CLI secret. */
export interface OIDCCliSecretReq {
  /** Ours: left out or empty, one is made up and answered. */
  secret?: string | null;
}

/** A provider to test. */
export interface OIDCPing {
  url?: string;
  verify_cert?: boolean;
  /** Ours: certificates (PEM) that the provider's may come from; */
  ca_certificate?: string;
}

/** Of somebody who signs in with an OpenID provider; */
export interface OIDCUserInfo {
  id?: number;
  user_id?: number;
  /** Subject and issuer. */
  subiss?: string;
  secret?: string;
  creation_time?: string;
  update_time?: string;
}

/** The same, with whom it shares. */
export interface OneRepositoryStorage {
  /** With the project before it. */
  name: string;
  /** In its list. */
  artifacts: number;
  /** What the project's quota gets back if the repository is deleted and purged. */
  own: number;
  /** Of blobs that other repositories of the project hold, too. */
  shared: number;
  tags: number;
  /** When something in it was last pulled, some seconds late; */
  last_pull_time: string | null;
  /** The repositories of the project that share most, at most 10. */
  shared_with: SharedWith[];
}

/** The health of all parts; */
export interface OverallHealthStatus {
  status: string;
  components: ComponentHealthStatus[];
}

/** Another password. */
export interface PasswordReq {
  old_password?: string | null;
  new_password?: string | null;
}

/** An action on a resource. */
export interface Permission {
  resource: string;
  action: string;
}

/** What robots can be given. */
export interface Permissions {
  project: Permission[];
  system?: Permission[] | null;
}

/** A schedule: what it is of, when it starts next, and how it ended last. */
export interface PlannedWork {
  id: number;
  vendor_type: string;
  vendor_id: number;
  subject: string;
  project: string;
  cron: string;
  /** Empty: schedules are held, or nothing is planned. */
  next_time: string;
  update_time: string;
  /** Of its newest run, started by it or by hand; */
  last_id: number | null;
  last_status: string;
  last_time: string;
}

/** What a child of an index runs on. */
export interface Platform {
  architecture?: string;
  os?: string;
  "'os.version'"?: string;
  "'os.features'"?: string[];
  variant?: string;
}

/** What an image, or a child of an index, runs on. */
export interface PlatformOf {
  /** `linux/amd64`, `linux/arm/v7`. */
  name: string;
  os: string;
  architecture: string;
  /** Empty where none, or the usual one, is named. */
  variant: string;
  os_version: string;
  /** Of the manifest. */
  digest: string;
}

/** Where a tag is to point. */
export interface PointTag {
  /** Of an artifact of the repository. */
  digest: string;
}

/** The artifact that one refers to; */
export interface PointedTo {
  media_type: string;
  digest: string;
  size: number;
}

/** A project. */
export interface Project {
  project_id: number;
  owner_id?: number;
  name: string;
  /** Of a proxy cache. */
  registry_id?: number;
  creation_time: string;
  update_time: string;
  owner_name?: string;
  /** Of the caller: the role that allows most; */
  current_user_role_id?: number;
  /** Of the caller: all roles. */
  current_user_role_ids?: number[] | null;
  repo_count: number;
  /** Ours: when something was last pushed there, some seconds late. */
  last_push_time?: string | null;
  metadata: ProjectMetadata;
  cve_allowlist?: CVEAllowlist | null;
}

/** Whether a project can be deleted, and why not. */
export interface ProjectDeletable {
  deletable: boolean;
  message: string;
}

/** A project. */
export interface ProjectFound {
  project_id: number;
  name: string;
  public: boolean;
}

/** A role for one user or one group. */
export interface ProjectMember {
  /** 1 project admin, 2 developer, 3 guest, 4 maintainer, 5 limited guest. */
  role_id?: number | null;
  member_user?: UserEntity | null;
  member_group?: UserGroup | null;
}

/** A member of a project. */
export interface ProjectMemberEntity {
  id: number;
  project_id: number;
  entity_name: string;
  role_name: string;
  role_id: number;
  entity_id: number;
  /** `u` a user, `g` a group. */
  entity_type: string;
  /** Ours, in lists: groups of this user that have a role here as well; */
  through?: MemberGroup[];
  /** Ours, in lists, for whoever may change members: an administrator of the system, whatever the role says. */
  is_admin?: boolean;
}

/** Settings of a project; */
export interface ProjectMetadata {
  /** Whether everybody may pull: `true` or `false`. */
  public?: string | null;
  /** Whether only artifacts with a notation signature can be pulled. */
  enable_content_trust?: string | null;
  /** Whether only artifacts with a cosign signature can be pulled. */
  enable_content_trust_cosign?: string | null;
  /** Whether artifacts with vulnerabilities of `severity` and above cannot be pulled. */
  prevent_vul?: string | null;
  /** `none`, `low`, `medium`, `high` or `critical`. */
  severity?: string | null;
  /** Whether artifacts are scanned when they are pushed. */
  auto_scan?: string | null;
  /** Whether an SBOM is made when an artifact is pushed. */
  auto_sbom_generation?: string | null;
  /** Whether the system's list of allowed vulnerabilities holds instead of the project's own. */
  reuse_sys_cve_allowlist?: string | null;
  /** The id of the retention policy; */
  retention_id?: string | null;
  /** Of a proxy cache: kilobytes a second from the upstream registry, -1 for no limit. */
  proxy_speed_kb?: string | null;
  /** Of a proxy cache: connections to the upstream registry per artifact, -1 for no limit. */
  max_upstream_conn?: string | null;
  /** Of a proxy cache: whether to serve what the upstream registry no longer has. */
  proxy_cache_local_on_not_found?: string | null;
  /** Of a proxy cache: whether to ask the upstream registry for referrers. */
  proxy_referrer_api?: string | null;
  /** Of a proxy cache: which repositories are fetched. */
  proxy_cache_filter_pattern?: string | null;
  /** How that pattern is read: `doublestar` or `regex`. */
  proxy_cache_filter_kind?: string | null;
  /** Ours, of a proxy cache: for how many seconds a tag is not looked up again. */
  proxy_cache_tag_seconds?: string | null;
  /** Ours, of a proxy cache: whether what was pulled longest ago goes when the project is full. */
  proxy_cache_evict?: string | null;
  /** Ours: for how many days what is deleted can be restored, 0 to 3650; */
  trash_days?: string | null;
}

/** A project to create, or what to change in one. */
export interface ProjectReq {
  /** Lower-case letters and digits, single '.', '_' or '-' between them. */
  project_name?: string | null;
  /** Of old clients: as `metadata.public`. */
  public?: boolean | null;
  metadata?: ProjectMetadata | null;
  cve_allowlist?: CVEAllowlist | null;
  /** Bytes that the project may hold, -1 for no limit; */
  storage_limit?: number | null;
  /** Makes it a proxy cache of that registry. */
  registry_id?: number | null;
}

/** What a project holds, in bytes. */
export interface ProjectStorage {
  /** What the quota counts: blobs, manifests, and what open uploads have reserved; */
  held: number;
  /** Of those, what only the trash holds. */
  trash: number;
  /** -1: none. */
  limit: number;
  /** How many. */
  blobs: number;
  blob_bytes: number;
  /** Of blobs that no other project holds; */
  own: number | null;
  /** Of blobs that other projects hold, too; */
  shared: number | null;
}

/** Figures of a project. */
export interface ProjectSummary {
  repo_count?: number;
  project_admin_count?: number | null;
  maintainer_count?: number | null;
  developer_count?: number | null;
  guest_count?: number | null;
  limited_guest_count?: number | null;
  quota?: ProjectSummaryQuota | null;
  /** Of a proxy cache: the registry that it mirrors, without credentials. */
  registry?: Registry | null;
}

/** What the project may hold and holds, as `Quota` has it. */
export interface ProjectSummaryQuota {
  hard: Record<string, number>;
  used: Record<string, number>;
  /** Ours: bytes that only the trash holds. */
  trash: number;
}

/** What was deleted for ever. */
export interface PurgedEntry {
  kind: string;
  /** As it was deleted. */
  name: string;
  /** false: the collector takes the rest. */
  finished: boolean;
}

/** The quota of a project: bytes under `storage`; */
export interface Quota {
  id: number;
  ref: QuotaRefObject;
  hard: Record<string, number>;
  used: Record<string, number>;
  /** Ours: bytes that only the trash holds. */
  trash: number;
  creation_time: string;
  update_time: string;
}

/** The project of a quota. */
export interface QuotaRefObject {
  id: number;
  name: string;
  owner_name: string;
}

/** Other limits; */
export interface QuotaUpdateReq {
  /** `storage`: bytes; */
  hard: Record<string, number>;
}

/** Bytes in the storage, each counted once; */
export interface ReclaimableOut {
  /** What a run that began now would delete. */
  blobs: number;
  bytes: number;
  /** Deletions that can still be taken back. */
  trash_entries: number;
  /** What only the trash holds. */
  trash_bytes: number;
  /** When the first of these is over; */
  trash_until: string;
  /** Blobs that nothing needs, kept for a client that may be about to name them. */
  leased_blobs: number;
  leased_bytes: number;
  /** Those that are open. */
  uploads: number;
  upload_bytes: number;
}

/** A child of an index. */
export interface Reference {
  parent_id: number;
  child_id: number;
  child_digest: string;
  platform?: Platform | null;
  annotations?: Record<string, string> | null;
  /** Where else the child may be had, as the index says. */
  urls?: string[] | null;
}

/** Artifacts of a repository. */
export interface ReferencesReq {
  /** 1 to 1,000 tags or digests. */
  references: string[];
}

/** A refresh token, which a client such as `docker login` got; */
export interface RefreshToken {
  id: string;
  /** What the client calls itself: `docker`. */
  client: string;
  creation_time: string;
  /** To five minutes. */
  last_used: string;
  /** 90 days after the last use. */
  expires_at: string;
}

/** The refresh tokens of an account, and how many it may have. */
export interface RefreshTokens {
  /** At this many, the next login that asks for one is refused. */
  limit: number;
  tokens: RefreshToken[];
}

/** Why deleting would be refused. */
export interface Refused {
  /** As in the error: `TAG_IMMUTABLE`, `MANIFEST_IN_USE`, `PROJECT_NOT_EMPTY`. */
  reason: string;
  tag: string | null;
  /** The id of the immutable tag rule. */
  rule: number | null;
  /** Of the rule's selector of tags. */
  pattern: string | null;
  /** The digest of an index that names the artifact, and stays. */
  index: string | null;
  /** The digest of the artifact that stays, where several were asked about. */
  artifact: string | null;
}

/** An endpoint of another registry. */
export interface Registry {
  id?: number | null;
  name?: string | null;
  url?: string | null;
  type?: string | null;
  credential?: RegistryCredential | null;
  /** Whether any certificate is believed. */
  insecure?: boolean | null;
  /** In PEM, believed beside the system's. */
  ca_certificate?: string | null;
  description?: string | null;
  status?: string | null;
  creation_time?: string | null;
  update_time?: string | null;
  /** Of ours: `HOST` or `HOST:PORT` of others that issue its tokens, and so see the credentials. */
  token_hosts?: string[] | null;
  /** Of ours: why it is unhealthy. */
  status_reason?: string | null;
  /** Of ours: since when it is so. */
  status_time?: string | null;
  /** Of ours: milliseconds that the last look took. */
  latency?: number | null;
}

/** Who we are there. */
export interface RegistryCredential {
  /** `basic`, `oauth` or `secret`. */
  type?: string | null;
  access_key?: string | null;
  access_secret?: string | null;
}

/** An address that a form offers. */
export interface RegistryEndpoint {
  key: string;
  value: string;
}

/** What the kind of a registry can do. */
export interface RegistryInfo {
  type: string;
  description: string;
  supported_resource_filters: FilterStyle[];
  supported_triggers: string[];
  supported_copy_by_chunk?: boolean;
}

/** What to try: the endpoint with this id, changed as the other fields say; */
export interface RegistryPing {
  name?: string | null;
  description?: string | null;
  url?: string | null;
  credential_type?: string | null;
  access_key?: string | null;
  access_secret?: string | null;
  insecure?: boolean | null;
  ca_certificate?: string | null;
  /** Of ours. */
  token_hosts?: string[] | null;
  id?: number | null;
  type?: string | null;
}

/** How a form asks for the credentials. */
export interface RegistryProviderCredentialPattern {
  access_key_type: string;
  access_key_data?: string;
  access_secret_type?: string;
  access_secret_data?: string;
}

/** How a form asks for the address. */
export interface RegistryProviderEndpointPattern {
  endpoint_type: string;
  endpoints?: RegistryEndpoint[];
}

/** What a form has to know of a kind. */
export interface RegistryProviderInfo {
  endpoint_pattern: RegistryProviderEndpointPattern;
  credential_pattern: RegistryProviderCredentialPattern;
  /** Of ours: its name for people. */
  label: string;
  /** Of ours: what it is, and whether it was ever proven against the service. */
  description: string;
}

/** What is to change; */
export interface RegistryUpdate {
  name?: string | null;
  description?: string | null;
  url?: string | null;
  credential_type?: string | null;
  access_key?: string | null;
  access_secret?: string | null;
  insecure?: boolean | null;
  ca_certificate?: string | null;
  /** Of ours. */
  token_hosts?: string[] | null;
}

/** A run. */
export interface ReplicationExecution {
  id: number;
  policy_id: number;
  /** `InProgress`, `Succeed`, `Failed` or `Stopped`. */
  status: string;
  trigger: string;
  start_time: string;
  end_time: string;
  status_text: string;
  total: number;
  failed: number;
  succeed: number;
  in_progress: number;
  stopped: number;
  /** Ours: of all artifacts so far; */
  done_bytes: number;
  /** Ours: as far as it is known. */
  total_bytes: number;
}

/** What an artifact has to be to go along. */
export interface ReplicationFilter {
  /** `name`, `tag`, `label`, `resource`; */
  type?: string | null;
  /** A pattern for name and tag, `image` or `artifact` for resource, a list for label and platform. */
  value?: string | string[] | null;
  /** `matches` or `excludes`; */
  decoration?: string | null;
  /** Of ours, for name and tag: `doublestar`, `regex` or `semver`. */
  kind?: string | null;
}

/** What is copied where, and when. */
export interface ReplicationPolicy {
  id?: number | null;
  name?: string | null;
  description?: string | null;
  src_registry?: Registry | null;
  dest_registry?: Registry | null;
  /** What stands in front of names at the target; */
  dest_namespace?: string | null;
  /** How many leading parts of a name it replaces; */
  dest_namespace_replace_count?: number | null;
  trigger?: ReplicationTrigger | null;
  filters?: ReplicationFilter[] | null;
  /** Of event_based: what is deleted here is deleted there, too. */
  replicate_deletion?: boolean | null;
  /** The older name of `replicate_deletion`. */
  deletion?: boolean | null;
  /** Whether a tag of the target that leads elsewhere is moved. */
  override?: boolean | null;
  enabled?: boolean | null;
  creation_time?: string | null;
  update_time?: string | null;
  /** KiB per second for each artifact on its way; */
  speed?: number | null;
  copy_by_chunk?: boolean | null;
  /** Whether a run that starts while another one has not ended fails at once. */
  single_active_replication?: boolean | null;
  /** Ours: the newest run, in the list of policies; */
  last_execution?: ReplicationExecution | null;
}

/** An artifact of a run. */
export interface ReplicationTask {
  id: number;
  execution_id: number;
  /** `Pending`, `InProgress`, `Succeed`, `Failed` or `Stopped`. */
  status: string;
  job_id: string;
  /** `copy` or `deletion`. */
  operation: string;
  resource_type: string;
  src_resource: string;
  dst_resource: string;
  start_time: string;
  end_time: string;
  /** Ours: the cause where it failed; */
  message: string;
  /** Ours: how often it was tried. */
  attempts: number;
  /** Ours: what the target has counts as done. */
  done_bytes: number;
  /** Ours: as far as it is known. */
  total_bytes: number;
  /** Ours: bytes per second. */
  rate: number;
  /** Ours: until it is done, at this rate. */
  seconds_left?: number | null;
}

/** What starts a replication. */
export interface ReplicationTrigger {
  /** `manual`, `scheduled`, or `event_based` (only where content goes from here). */
  type?: string | null;
  trigger_settings?: ReplicationTriggerSettings | null;
}

/** When a schedule starts it. */
export interface ReplicationTriggerSettings {
  /** Six fields, seconds first, in UTC; */
  cron?: string | null;
}

/** A repository. */
export interface Repository {
  id?: number | null;
  project_id?: number | null;
  /** With the project before it: `library/app`. */
  name?: string | null;
  description?: string | null;
  /** Artifacts that have a tag or are no child of an index; */
  artifact_count?: number | null;
  pull_count?: number | null;
  creation_time?: string | null;
  update_time?: string | null;
  /** Ours: when something was last pushed there, some seconds late. */
  last_push_time?: string | null;
}

/** A repository. */
export interface RepositoryFound {
  project_id: number;
  /** The whole name. */
  repository: string;
}

/** A stretch of time of one of a repository's tags. */
export interface RepositoryPast {
  id: number;
  digest: string;
  since: string;
  /** null: it points there now. */
  until: string | null;
  /** Who pointed it there; */
  by: string | null;
  /** `moved` or `deleted`; */
  ended_by: string | null;
  /** `here`: it can be pulled by its digest; */
  kept: string;
  /** Of the tag. */
  name: string;
  /** The entry in the trash that brings the tag, or what it pointed to, back; */
  trash_id: number | null;
}

/** What a repository holds, in bytes, with what is in its trash; */
export interface RepositoryStorage {
  /** With the project before it. */
  name: string;
  /** In its list. */
  artifacts: number;
  /** What the project's quota gets back if the repository is deleted and purged. */
  own: number;
  /** Of blobs that other repositories of the project hold, too. */
  shared: number;
  tags: number;
  /** When something in it was last pulled, some seconds late; */
  last_pull_time: string | null;
}

/** A tag, with what it points to. */
export interface RepositoryTag {
  /** Changes when the tag moves. */
  id: number;
  name: string;
  /** Whether the name is one of semantic versioning; */
  is_version: boolean;
  /** When it was pointed to its artifact. */
  push_time: string;
  /** Who did; */
  pushed_by: string | null;
  /** When the artifact was last pulled, under whatever name; */
  pull_time: string | null;
  pull_count: number;
  artifact_id: number;
  digest: string;
  type: string;
  artifact_type: string;
  manifest_media_type: string;
  size: number;
  /** In one order everywhere; */
  platforms: PlatformOf[];
  /** Other tags of the same artifact, by name, at most 10. */
  equal_tags: string[];
  /** How many other tags of the same artifact there are. */
  equal_count: number;
  /** The first rule that forbids to move or delete it. */
  immutable_rule: KeptBy | null;
  labels: Label[];
  accessories: AccessoryCount[];
  /** The type of a signature of the artifact; */
  signature: string | null;
  /** The type of a signature of an index that holds the artifact. */
  inherited_signature: string | null;
}

/** How to bring it back. */
export interface RestoreReq {
  /** New names for tags, the repository (`PROJECT/REPOSITORY`) or the project, by the old ones, where those are taken. */
  names?: Record<string, string>;
}

/** What came back. */
export interface RestoredEntry {
  kind: string;
  /** As it was deleted. */
  name: string;
  /** Of tags, the repository or the project: what it is called now, by what it was called. */
  names: Record<string, string>;
  /** How many came back; */
  artifacts: number;
}

/** What to do with a run. */
export interface RetentionAction {
  /** `stop`. */
  action?: string | null;
}

/** A run. */
export interface RetentionExecution {
  id: number;
  policy_id: number;
  start_time: string;
  end_time: string;
  /** `Running`, `Success`, `Error` or `Stopped`. */
  status: string;
  /** `MANUAL` or `SCHEDULE`. */
  trigger: string;
  dry_run: boolean;
  /** Ours: why it failed. */
  message: string;
}

/** How to run. */
export interface RetentionExecutionReq {
  /** Find what would be deleted, and delete nothing. */
  dry_run?: boolean | null;
  /** Ours: the id of a dry run, to be carried out: what it did not name stays. */
  exactly?: number | null;
}

/** A run in one repository. */
export interface RetentionExecutionTask {
  id: number;
  execution_id: number;
  /** Without its project. */
  repository: string;
  job_id: string;
  status: string;
  /** 0: it waits, 1: it waits for another attempt, 2: it runs, 3: it has ended. */
  status_code: number;
  status_revision: number;
  start_time: string;
  end_time: string;
  /** Artifacts that were looked at. */
  total: number;
  /** How many of them stay. */
  retained: number;
  /** Ours: why it failed. */
  message: string;
}

/** What rules are made of. */
export interface RetentionMetadata {
  templates: RetentionRuleMetadata[];
  scope_selectors: RetentionSelectorMetadata[];
  tag_selectors: RetentionSelectorMetadata[];
}

/** What stays in a project. */
export interface RetentionPolicy {
  id?: number | null;
  /** `or`: an artifact stays when any rule keeps it. */
  algorithm?: string | null;
  rules?: RetentionRule[] | null;
  trigger?: RetentionRuleTrigger | null;
  scope?: RetentionPolicyScope | null;
}

/** Whose it is. */
export interface RetentionPolicyScope {
  /** `project`. */
  level?: string | null;
  /** The project's id. */
  ref?: number | null;
}

/** What a rule says of an artifact. */
export interface RetentionReason {
  /** The rule's id. */
  rule: number;
  kept: boolean;
  /** `not_selected`, `always`, `rank`, `age` or `unknown_pull`. */
  why: string;
  /** Its place in the rule's order, from 1. */
  rank: number | null;
}

/** A rule: of the artifacts that it selects it keeps those that its template says. */
export interface RetentionRule {
  id?: number | null;
  priority?: number | null;
  disabled?: boolean | null;
  action?: string | null;
  template?: string | null;
  /** `{TEMPLATE: NUMBER}`. */
  params?: Record<string, unknown> | null;
  tag_selectors?: RetentionSelector[] | null;
  scope_selectors?: Record<string, RetentionSelector[]> | null;
}

/** A template of rules. */
export interface RetentionRuleMetadata {
  rule_template: string;
  /** `#` stands for the parameter. */
  display_text: string;
  action?: string;
  params: RetentionRuleParamMetadata[];
}

/** A parameter of a template. */
export interface RetentionRuleParamMetadata {
  type?: string;
  /** `COUNT` or `DAYS`. */
  unit: string;
  required?: boolean;
}

/** When it runs by itself. */
export interface RetentionRuleTrigger {
  /** `Schedule`. */
  kind?: string | null;
  /** `{"cron": "0 0 2 * * *"}`: second, minute, hour, day, month, weekday, in UTC; */
  settings?: Record<string, unknown> | null;
  references?: Record<string, unknown> | null;
}

/** Which repositories, or which tags. */
export interface RetentionSelector {
  kind?: string | null;
  /** Of tags `matches` or `excludes`, of repositories `repoMatches` or `repoExcludes`. */
  decoration?: string | null;
  pattern?: string | null;
  /** Of tags: JSON in a text, `{"untagged": true}` or false: whether untagged artifacts are looked at. */
  extras?: string | null;
}

/** A kind of selector. */
export interface RetentionSelectorMetadata {
  display_text: string;
  kind: string;
  decorations: string[];
}

/** What a run found of an artifact. */
export interface RetentionVerdict {
  task_id: number;
  /** Without its project. */
  repository: string;
  digest: string;
  kind: string;
  tags: string[];
  size: number;
  push_time: string;
  pull_time: string;
  /** `keep`, `delete`, `immutable`, `in_use`; */
  verdict: string;
  /** The verdict in a sentence. */
  because: string;
  /** What each rule that speaks of the repository says. */
  reasons: RetentionReason[];
}

/** A robot; */
export interface Robot {
  id?: number;
  /** As it signs in, with the prefix. */
  name?: string | null;
  description?: string | null;
  secret?: string | null;
  level?: string | null;
  duration?: number | null;
  editable?: boolean | null;
  disable?: boolean | null;
  /** Unix seconds; */
  expires_at?: number | null;
  permissions?: RobotPermission[] | null;
  /** `local`: a person; */
  creator_type?: string | null;
  creator_ref?: number | null;
  creation_time?: string | null;
  update_time?: string | null;
  /** Ours: when it last signed in, to a minute; */
  last_used?: string | null;
  /** Ours: since when it has its secret. */
  secret_time?: string | null;
}

/** A robot to create. */
export interface RobotCreate {
  /** Without prefix and project: lower-case letters and digits, single '.', '_' or '-' between them. */
  name?: string | null;
  description?: string | null;
  /** Empty: a random one. */
  secret?: string | null;
  /** `system` or `project`. */
  level?: string | null;
  disable?: boolean | null;
  /** Days; */
  duration?: number | null;
  permissions?: RobotPermission[] | null;
}

/** A new robot; */
export interface RobotCreated {
  id: number;
  name: string;
  secret: string;
  creation_time: string;
  /** Unix seconds; */
  expires_at: number;
}

/** What a robot may do in one place. */
export interface RobotPermission {
  /** `system` or `project`. */
  kind?: string | null;
  /** `/` for the system; */
  namespace?: string | null;
  access?: Access[] | null;
}

/** A secret for a robot. */
export interface RobotSec {
  /** Empty in a request: make a random one. */
  secret?: string | null;
  /** Ours: how long the old secret still signs in, at most 30 days; */
  overlap_seconds?: number;
}

/** Another role. */
export interface RoleRequest {
  /** 1 project admin, 2 developer, 3 guest, 4 maintainer, 5 limited guest. */
  role_id: number;
}

/** What a client sends to set a schedule. */
export interface Schedule {
  schedule?: ScheduleObj | null;
  parameters?: Record<string, unknown> | null;
}

/** When something starts by itself. */
export interface ScheduleObj {
  /** Hourly, Daily, Weekly, Custom; */
  type?: string;
  /** Six fields, seconds first, in UTC. */
  cron?: string;
  next_scheduled_time?: string;
}

/** A schedule. */
export interface ScheduleTask {
  id: number;
  vendor_type: string;
  vendor_id: number;
  cron: string;
  update_time: string;
}

/** Whether schedules are paused. */
export interface SchedulerStatus {
  paused: boolean;
}

/** What the caller may do in one place. */
export interface ScopePermissions {
  scope: string;
  /** null: `/system`, or there is nothing that the caller may see. */
  project_id: number | null;
  /** `RESOURCE:ACTION`, in order; */
  permissions: string[];
}

/** Where one wants to know what one may do. */
export interface ScopesReq {
  /** 1 to 200 of `/system`, `/project/ID` and `/project/NAME`; */
  scopes: string[];
}

/** What was found. */
export interface Search {
  project: Project[];
  repository: SearchRepository[];
}

/** A repository that was found. */
export interface SearchRepository {
  project_id: number;
  project_name: string;
  project_public: boolean;
  repository_name: string;
  pull_count: number;
  artifact_count: number;
}

/** A selector in the form that rules and policies have. */
export interface SelectorToTry {
  /** `doublestar`, `regex` or `semver`. */
  kind?: string;
  /** An empty doublestar pattern selects everything. */
  pattern?: string;
  /** `matches`, `repoMatches`, or `excludes`, `repoExcludes`, which turn it round; */
  decoration?: string;
}

/** How long the caller's session lives yet, in seconds. */
export interface SessionEnds {
  /** Until it ends if it is not used. */
  idle_seconds: number;
  /** What `idle_seconds` is after each use. */
  idle_timeout_seconds: number;
  /** Until it ends whatever happens. */
  lifetime_seconds: number;
}

/** A repository that holds some of the same blobs. */
export interface SharedWith {
  name: string;
  shared: number;
}

/** Which policy is to run. */
export interface StartReplicationExecution {
  policy_id?: number | null;
}

/** How many there are of what the caller may see; */
export interface Statistic {
  private_project_count: number;
  private_repo_count: number;
  public_project_count: number;
  public_repo_count: number;
  total_project_count?: number;
  total_repo_count?: number;
  /** Bytes; */
  total_storage_consumption?: number;
}

/** Where blob bytes live. */
export interface Storage {
  total: number;
  free: number;
}

/** A live setting. */
export interface StringConfigItem {
  value: string;
  /** Whether it can be changed here. */
  editable: boolean;
  /** The variable of the environment that fixes it otherwise. */
  variable?: string;
}

/** What there is to choose from. */
export interface SupportedWebhookEventTypes {
  event_type: string[];
  notify_type: string[];
  payload_formats: WebhookPayloadFormat[];
}

/** A receiver of syslog to test. */
export interface SyslogPing {
  /** As the setting `audit_log_forward_endpoint`: `HOST:PORT`. */
  endpoint: string;
  tls?: boolean;
  /** Certificates (PEM) that the receiver's may come from. */
  ca_certificate?: string;
}

/** Where bytes lie. */
export interface SystemInfo {
  storage: Storage[];
}

/** A tag. */
export interface Tag {
  id: number;
  repository_id: number;
  artifact_id: number;
  name: string;
  push_time: string;
  /** When the artifact was last pulled, under whatever name. */
  pull_time: string;
  /** Whether a rule forbids to move or delete it; */
  immutable: boolean;
}

/** A tag. */
export interface TagFound {
  project_id: number;
  /** The whole name. */
  repository: string;
  tag: string;
  digest: string;
  push_time: string;
}

/** A stretch of time in which a tag pointed to one digest. */
export interface TagPast {
  id: number;
  digest: string;
  since: string;
  /** null: it points there now. */
  until: string | null;
  /** Who pointed it there; */
  by: string | null;
  /** `moved` or `deleted`; */
  ended_by: string | null;
  /** `here`: it can be pulled by its digest; */
  kept: string;
}

/** Tags of a repository. */
export interface TagsReq {
  /** 1 to 1,000. */
  tags: string[];
}

/** A unit of background work: what it is, who has it, how far it is, how often it was begun. */
export interface TaskOut {
  id: number;
  execution_id: number;
  vendor_type: string;
  job: string;
  status: string;
  message: string;
  priority: number;
  attempt: number;
  failures: number;
  lost: number;
  pool_id: string;
  stopping: boolean;
  progress: TaskProgressOut;
  log_bytes: number;
  creation_time: string;
  due_time: string;
  start_time: string;
  update_time: string;
  end_time: string;
}

/** How far a task is. */
export interface TaskProgressOut {
  done: number;
  total: number;
  done_bytes: number;
  total_bytes: number;
  rate: number;
  seconds_left: number;
}

/** Something that was deleted and can be brought back. */
export interface TrashEntry {
  id: number;
  project_id: number;
  project_name: string;
  /** `tag`, `artifact`, `repository` or `project`. */
  kind: string;
  /** `PROJECT/REPOSITORY:TAG`, `PROJECT/REPOSITORY@DIGEST`, `PROJECT/REPOSITORY`, or the project's name. */
  name: string;
  reason: string;
  /** null: an account that is gone, or the system. */
  deleted_by: string | null;
  deleted_at: string;
  /** Until when it can be brought back. */
  purge_at: string;
  /** The entry that has to be restored before this one; */
  restore_first: number | null;
  /** Bytes that the project's quota gets back if this alone is purged; */
  size: number | null;
}

/** What a selector means of a list of names. */
export interface TriedNames {
  matched: number;
  of: number;
  /** In the order in which they were given. */
  first: string[];
}

/** A selector to try on names. */
export interface TryReq {
  selector: SelectorToTry;
  /** At most 10,000. */
  names: string[];
  /** How many names the answer shows, 0 to 100. */
  first?: number;
}

/** Figures for a chart, without gaps. */
export interface Usage {
  by: string;
  first_day: string;
  /** Today at the latest. */
  last_day: string;
  periods: UsagePeriod[];
}

/** What happened in a day, a week or a month, in UTC. */
export interface UsagePeriod {
  /** Its first day that was asked for: `2026-01-31`. */
  start: string;
  /** Manifests that were fetched. */
  pulls: number;
  /** Manifests that were pushed, copied ones too; */
  pushes: number;
  /** Bytes that were held at its end, the trash included; */
  storage: number | null;
}

/** What uses a blob beside this artifact. */
export interface UsedBy {
  /** Others of this repository; */
  artifacts: number;
  /** Others of the project that hold it; */
  repositories: number;
  /** The first of them, at most 5, with the project before them. */
  repository_names: string[];
}

/** An account to create. */
export interface UserCreationReq {
  email?: string | null;
  realname?: string | null;
  /** At most 30 characters. */
  comment?: string | null;
  /** 8 to 128 characters, with a lower-case and an upper-case letter and a digit. */
  password?: string | null;
  username?: string | null;
}

/** A user, by id or by name. */
export interface UserEntity {
  user_id?: number | null;
  username?: string | null;
}

/** A group of users. */
export interface UserGroup {
  id?: number | null;
  group_name?: string | null;
  /** 1 LDAP, 2 HTTP (a header of a proxy), 3 OIDC. */
  group_type?: number | null;
  /** The DN of an LDAP group. */
  ldap_group_dn?: string | null;
}

/** A group as anybody who is signed in may find one. */
export interface UserGroupSearchItem {
  id: number;
  group_name: string;
  group_type: number;
}

/** Whether somebody is locked out. */
export interface UserLock {
  locked: boolean;
}

/** What describes a user. */
export interface UserProfile {
  email?: string | null;
  realname?: string | null;
  comment?: string | null;
}

/** A user. */
export interface UserResp {
  email?: string;
  realname?: string;
  comment?: string;
  user_id: number;
  username: string;
  sysadmin_flag: boolean;
  /** Whether the source of the account makes them a system administrator. */
  admin_role_in_auth: boolean;
  oidc_user_meta?: OIDCUserInfo | null;
  creation_time: string;
  update_time: string;
  /** Ours: where the account comes from: `local`, `ldap`, `oidc`, `header`. */
  source?: string;
  /** Ours: whether the account is locked. */
  disabled?: boolean;
  /** Ours: when it last signed in or was used, to a minute. */
  last_used?: string | null;
  /** Ours: of /users/current, asked with a session: when that ends. */
  session?: SessionEnds | null;
}

/** A user as anybody who is signed in may find one. */
export interface UserSearchRespItem {
  user_id: number;
  username: string;
}

/** Whether somebody is a system administrator. */
export interface UserSysAdminFlag {
  sysadmin_flag?: boolean;
}

/** What a target was told, with each attempt. */
export interface WebhookDelivery {
  id: number;
  /** The same in every attempt and redelivery: the header `webhook-id`. */
  event_id: string;
  event_type: string;
  address: string;
  /** Of its execution; */
  status: string;
  /** It waits for an earlier one of the same repository. */
  waiting: boolean;
  execution_id: number;
  event: Record<string, unknown>;
  /** The last ten: time, request, response, error and duration. */
  attempts: Record<string, unknown>[];
  creation_time: string;
  end_time: string;
}

/** A delivery as an execution. */
export interface WebhookExecution {
  id: number;
  vendor_type: string;
  vendor_id: number;
  status: string;
  status_message: string;
  metrics: WebhookMetrics;
  trigger: string;
  extra_attrs: Record<string, unknown>;
  start_time: string;
  end_time: string;
}

/** A policy whose last delivery failed. */
export interface WebhookFailing {
  id: number;
  name: string;
  failed_time: string;
}

/** A delivery, with what it tells. */
export interface WebhookJob {
  id: number;
  policy_id: number;
  event_type: string;
  notify_type: string;
  status: string;
  /** The event, as JSON in a text. */
  job_detail: string;
  creation_time: string;
  update_time: string;
}

/** When a policy told of a type of event last. */
export interface WebhookLastTrigger {
  policy_name: string;
  event_type: string;
  enabled: boolean;
  creation_time: string;
  last_trigger_time: string;
}

/** How many tasks of each state. */
export interface WebhookMetrics {
  task_count: number;
  success_task_count: number;
  error_task_count: number;
  pending_task_count: number;
  running_task_count: number;
  scheduled_task_count: number;
  stopped_task_count: number;
}

/** The formats of a type of target. */
export interface WebhookPayloadFormat {
  notify_type: string;
  formats: string[];
}

/** Which events of a project go where. */
export interface WebhookPolicy {
  id?: number | null;
  name?: string | null;
  description?: string | null;
  project_id?: number | null;
  targets?: WebhookTargetObject[] | null;
  event_types?: string[] | null;
  creator?: string | null;
  creation_time?: string | null;
  update_time?: string | null;
  enabled?: boolean | null;
  /** Ours: only of these repositories, by their names without the project. */
  repositories?: WebhookSelector | null;
  /** Ours: only of these tags. */
  tags?: WebhookSelector | null;
  /** Ours: whether what it sends is signed. */
  signed?: boolean | null;
}

/** Which repositories or tags. */
export interface WebhookSelector {
  /** `doublestar`, `regex` or, for tags, `semver`. */
  kind?: string;
  pattern?: string;
}

/** The key that signs what a policy sends, shown once. */
export interface WebhookSigningKey {
  /** For libraries of Standard Webhooks: `whsec_` and base64. */
  key: string;
}

/** Where events go. */
export interface WebhookTargetObject {
  /** `http` or `slack`. */
  type?: string | null;
  address?: string | null;
  /** Sent as `Authorization`. */
  auth_header?: string | null;
  /** Whether any certificate is believed. */
  skip_cert_verify?: boolean | null;
  /** `Default` or, for `http`, `CloudEvents`. */
  payload_format?: string | null;
}

/** The task of a delivery. */
export interface WebhookTask {
  id: number;
  execution_id: number;
  status: string;
  status_message: string;
  run_count: number;
  extra_attrs: Record<string, unknown>;
  creation_time: string;
  update_time: string;
  start_time: string;
  end_time: string;
}

/** A run of a policy or of maintenance: what it is of, who began it, how far it is. */
export interface WorkRun {
  id: number;
  vendor_type: string;
  /** Of the policy; */
  vendor_id: number;
  /** The name of the replication or webhook; */
  subject: string;
  /** The name of the project that it is of; */
  project: string;
  status: string;
  message: string;
  /** MANUAL, SCHEDULE or EVENT. */
  trigger: string;
  /** Who began it by hand, or whose doing it follows; */
  started_by: string;
  dry_run: boolean;
  stopping: boolean;
  tasks: number;
  running: number;
  failed: number;
  /** Of its only task, whose log is its own; */
  task_id: number | null;
  progress: TaskProgressOut;
  start_time: string;
  /** Empty: it has not ended. */
  end_time: string;
}

/** A job that runs. */
export interface Worker {
  id: string;
  pool_id: string;
  job_name: string;
  job_id: string;
  start_at?: string;
  /** How far it is, for people: `3 of 10, 1.2 GiB of 4.0 GiB, 80 s left`. */
  check_in?: string;
  checkin_at?: string;
}

/** A process that runs background jobs. */
export interface WorkerPool {
  worker_pool_id: string;
  host: string;
  pid: number;
  concurrency: number;
  start_at: string;
  heartbeat_at: string;
}

/** Each operation: what stands in its path and query, its body, and what it answers. */
export interface Operations {
  /** listUsers: All users but the first administrator. */
  "GET /users": {
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: UserResp[];
  };
  /** createUser: Create a local account. */
  "POST /users": {
    header: {
      "X-Request-Id"?: string;
    };
    body: UserCreationReq;
    reply: undefined;
  };
  /** getCurrentUserInfo: Who the caller is. */
  "GET /users/current": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: UserResp;
  };
  /** searchUsers: Users by a part of their name: for whoever adds members. */
  "GET /users/search": {
    query: {
      username: string;
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: UserSearchRespItem[];
  };
  /** getUser: A user. */
  "GET /users/{user_id}": {
    path: {
      user_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: UserResp;
  };
  /** updateUserProfile: Change what describes a local user; */
  "PUT /users/{user_id}": {
    path: {
      user_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: UserProfile;
    reply: undefined;
  };
  /** deleteUser: Delete a user, but neither the caller nor the first administrator. */
  "DELETE /users/{user_id}": {
    path: {
      user_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** setUserSysAdmin: Make somebody a system administrator, or end that; */
  "PUT /users/{user_id}/sysadmin": {
    path: {
      user_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: UserSysAdminFlag;
    reply: undefined;
  };
  /** setUserLock: Lock an account, or unlock it. */
  "PUT /users/{user_id}/lock": {
    path: {
      user_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: UserLock;
    reply: undefined;
  };
  /** updateUserPassword: Change a password; */
  "PUT /users/{user_id}/password": {
    path: {
      user_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: PasswordReq;
    reply: undefined;
  };
  /** getCurrentUserPermissions: What the caller may do in `/system` or in `/project/ID`; */
  "GET /users/current/permissions": {
    query: {
      scope?: string;
      relative?: boolean;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Permission[];
  };
  /** listPermissionsInScopes: What the caller may do in many places, in the order of the question. */
  "POST /users/current/permissions": {
    header: {
      "X-Request-Id"?: string;
    };
    body: ScopesReq;
    reply: ScopePermissions[];
  };
  /** getPermissions: What robots can be given: for administrators in the system and in projects, for project admins in projects. */
  "GET /permissions": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: Permissions;
  };
  /** getPreferences: What the caller prefers: the JSON object that was kept last; */
  "GET /users/current/preferences": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: Record<string, unknown>;
  };
  /** setPreferences: Keep a JSON object of at most 16 KiB in place of the one before. */
  "PUT /users/current/preferences": {
    header: {
      "X-Request-Id"?: string;
    };
    body: Record<string, unknown>;
    reply: undefined;
  };
  /** listMyAccessTokens: The caller's access tokens, the newest first; */
  "GET /users/current/tokens": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: AccessToken[];
  };
  /** createMyAccessToken: Make an access token. */
  "POST /users/current/tokens": {
    header: {
      "X-Request-Id"?: string;
    };
    body: AccessTokenReq;
    reply: AccessTokenCreated;
  };
  /** revokeMyAccessToken: Revoke an access token of the caller: it, and what was got with it, stops at once. */
  "DELETE /users/current/tokens/{token_id}": {
    path: {
      token_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** listAccessTokens: The access tokens of somebody, for administrators. */
  "GET /users/{user_id}/tokens": {
    path: {
      user_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: AccessToken[];
  };
  /** revokeAccessToken: Revoke an access token of somebody, for administrators. */
  "DELETE /users/{user_id}/tokens/{token_id}": {
    path: {
      user_id: number;
      token_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** listMyRefreshTokens: The caller's refresh tokens that work, the one used last first, and how many an account may have. */
  "GET /users/current/refresh-tokens": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: RefreshTokens;
  };
  /** revokeMyRefreshToken: Revoke a refresh token of the caller: its client has to log in again. */
  "DELETE /users/current/refresh-tokens/{token_id}": {
    path: {
      token_id: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** listUserGroups: All groups that are known; */
  "GET /usergroups": {
    query: {
      ldap_group_dn?: string;
      group_name?: string;
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: UserGroup[];
  };
  /** createUserGroup: Make a group known before somebody of it has signed in. */
  "POST /usergroups": {
    header: {
      "X-Request-Id"?: string;
    };
    body: UserGroup;
    reply: undefined;
  };
  /** searchUserGroups: Groups by a part of their name: for whoever adds members. */
  "GET /usergroups/search": {
    query: {
      groupname: string;
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: UserGroupSearchItem[];
  };
  /** getUserGroup: A group. */
  "GET /usergroups/{group_id}": {
    path: {
      group_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: UserGroup;
  };
  /** updateUserGroup: Show a group under another name; */
  "PUT /usergroups/{group_id}": {
    path: {
      group_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: UserGroup;
    reply: undefined;
  };
  /** deleteUserGroup: Forget a group and its roles. */
  "DELETE /usergroups/{group_id}": {
    path: {
      group_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** setCliSecret: Replace the CLI secret; */
  "PUT /users/{user_id}/cli_secret": {
    path: {
      user_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: OIDCCliSecretReq;
    reply: CliSecretOut;
  };
  /** pingOIDC: Test an OpenID provider before it is set; */
  "POST /system/oidc/ping": {
    header: {
      "X-Request-Id"?: string;
    };
    body: OIDCPing;
    reply: undefined;
  };
  /** ListRobot: The robots of the system, or with `q=Level=project,ProjectID=ID` those of a project. */
  "GET /robots": {
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Robot[];
  };
  /** CreateRobot: Create a robot. */
  "POST /robots": {
    header: {
      "X-Request-Id"?: string;
    };
    body: RobotCreate;
    reply: RobotCreated;
  };
  /** GetRobotByID: A robot. */
  "GET /robots/{robot_id}": {
    path: {
      robot_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Robot;
  };
  /** UpdateRobot: Replace description, state, duration and permissions. */
  "PUT /robots/{robot_id}": {
    path: {
      robot_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: Robot;
    reply: undefined;
  };
  /** RefreshSec: Give a robot another secret: the one that is sent, else a random one, which is in this answer only. */
  "PATCH /robots/{robot_id}": {
    path: {
      robot_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: RobotSec;
    reply: RobotSec;
  };
  /** DeleteRobot: Delete a robot; */
  "DELETE /robots/{robot_id}": {
    path: {
      robot_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** pingLdap: Try a directory: with the settings in the body, or with those that are saved. */
  "POST /ldap/ping": {
    header: {
      "X-Request-Id"?: string;
    };
    body: LdapConf | null;
    reply: LdapPingResult;
  };
  /** searchLdapUser: People in the directory whose name has `username` in it, at most 500; */
  "GET /ldap/users/search": {
    query: {
      username?: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: LdapUser[];
  };
  /** importLdapUser: Make accounts before their people sign in. */
  "POST /ldap/users/import": {
    header: {
      "X-Request-Id"?: string;
    };
    body: LdapImportUsers;
    reply: undefined;
  };
  /** searchLdapGroup: Groups in the directory whose name has `groupname` in it, at most 500; */
  "GET /ldap/groups/search": {
    query: {
      groupname?: string;
      groupdn?: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: LdapGroup[];
  };
  /** listProjects: The projects that the caller may know of: public ones, and those where they have a role; */
  "GET /projects": {
    query: {
      name?: string;
      public?: boolean;
      owner?: string;
      with_detail?: boolean;
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Project[];
  };
  /** headProject: Whether a project of this name exists; */
  "HEAD /projects": {
    query: {
      project_name: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** createProject: Create a project; */
  "POST /projects": {
    header: {
      "X-Resource-Name-In-Location"?: boolean;
      "X-Request-Id"?: string;
    };
    body: ProjectReq;
    reply: undefined;
  };
  /** getProject: A project. */
  "GET /projects/{project_name_or_id}": {
    path: {
      project_name_or_id: string;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: Project;
  };
  /** updateProject: Change the settings that are sent, and the allowlist if it is sent; */
  "PUT /projects/{project_name_or_id}": {
    path: {
      project_name_or_id: string;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    body: ProjectReq;
    reply: undefined;
  };
  /** deleteProject: Delete a project that holds no repositories; */
  "DELETE /projects/{project_name_or_id}": {
    path: {
      project_name_or_id: string;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** getProjectDeletable: Whether the project can be deleted now. */
  "GET /projects/{project_name_or_id}/_deletable": {
    path: {
      project_name_or_id: string;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: ProjectDeletable;
  };
  /** getProjectSummary: Figures of a project: the quota for whoever may read it, members per role for whoever may list them. */
  "GET /projects/{project_name_or_id}/summary": {
    path: {
      project_name_or_id: string;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: ProjectSummary;
  };
  /** listProjectMetadatas: All settings that the project has. */
  "GET /projects/{project_name_or_id}/metadatas": {
    path: {
      project_name_or_id: string;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: Record<string, string>;
  };
  /** addProjectMetadatas: Give the project a setting that it does not have; */
  "POST /projects/{project_name_or_id}/metadatas": {
    path: {
      project_name_or_id: string;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    body: Record<string, string>;
    reply: undefined;
  };
  /** getProjectMetadata: One setting of the project. */
  "GET /projects/{project_name_or_id}/metadatas/{meta_name}": {
    path: {
      project_name_or_id: string;
      meta_name: string;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: Record<string, string>;
  };
  /** updateProjectMetadata: Change one setting; */
  "PUT /projects/{project_name_or_id}/metadatas/{meta_name}": {
    path: {
      project_name_or_id: string;
      meta_name: string;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    body: Record<string, string>;
    reply: undefined;
  };
  /** deleteProjectMetadata: Take one setting away; */
  "DELETE /projects/{project_name_or_id}/metadatas/{meta_name}": {
    path: {
      project_name_or_id: string;
      meta_name: string;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** listProjectMembers: The users and groups that have a role in the project; */
  "GET /projects/{project_name_or_id}/members": {
    path: {
      project_name_or_id: string;
    };
    query: {
      entityname?: string;
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: ProjectMemberEntity[];
  };
  /** createProjectMember: Give a user or a group a role. */
  "POST /projects/{project_name_or_id}/members": {
    path: {
      project_name_or_id: string;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    body: ProjectMember;
    reply: undefined;
  };
  /** getProjectMember: A member of the project, by the id of the membership. */
  "GET /projects/{project_name_or_id}/members/{mid}": {
    path: {
      project_name_or_id: string;
      mid: number;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: ProjectMemberEntity;
  };
  /** updateProjectMember: Give a member another role. */
  "PUT /projects/{project_name_or_id}/members/{mid}": {
    path: {
      project_name_or_id: string;
      mid: number;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    body: RoleRequest;
    reply: undefined;
  };
  /** deleteProjectMember: Take a member's role away; */
  "DELETE /projects/{project_name_or_id}/members/{mid}": {
    path: {
      project_name_or_id: string;
      mid: number;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** listQuotas: The quotas of all projects; */
  "GET /quotas": {
    query: {
      reference?: string;
      reference_id?: string;
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Quota[];
  };
  /** getQuota: A quota. */
  "GET /quotas/{id}": {
    path: {
      id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Quota;
  };
  /** updateQuota: Change what a project may hold; */
  "PUT /quotas/{id}": {
    path: {
      id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: QuotaUpdateReq;
    reply: undefined;
  };
  /** listRegistries: The endpoints; */
  "GET /registries": {
    query: {
      name?: string;
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Registry[];
  };
  /** createRegistry: Save an endpoint, which has to answer now. */
  "POST /registries": {
    header: {
      "X-Request-Id"?: string;
    };
    body: Registry;
    reply: undefined;
  };
  /** pingRegistry: Try an endpoint: a saved one, one that is not saved, or a saved one with changes. */
  "POST /registries/ping": {
    header: {
      "X-Request-Id"?: string;
    };
    body: RegistryPing;
    reply: undefined;
  };
  /** getRegistry: One endpoint. */
  "GET /registries/{id}": {
    path: {
      id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Registry;
  };
  /** updateRegistry: Change an endpoint, which has to answer now if anything but its name and description changes. */
  "PUT /registries/{id}": {
    path: {
      id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: RegistryUpdate;
    reply: undefined;
  };
  /** deleteRegistry: Delete an endpoint that no policy and no proxy-cache project uses. */
  "DELETE /registries/{id}": {
    path: {
      id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** getRegistryInfo: What an endpoint can do; */
  "GET /registries/{id}/info": {
    path: {
      id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: RegistryInfo;
  };
  /** listRegistryProviderTypes: The kinds of registries. */
  "GET /replication/adapters": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: string[];
  };
  /** listRegistryProviderInfos: What a form has to know of each kind of registry, by its type. */
  "GET /replication/adapterinfos": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: Record<string, RegistryProviderInfo>;
  };
  /** listMirrors: The mirrors, by id. */
  "GET /mirrors": {
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Mirror[];
  };
  /** createMirror: Let a host, a port or containerd's `?ns=` lead into a project. */
  "POST /mirrors": {
    header: {
      "X-Request-Id"?: string;
    };
    body: MirrorNew;
    reply: undefined;
  };
  /** deleteMirror: Delete a mirror; */
  "DELETE /mirrors/{id}": {
    path: {
      id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** listAuditLogExts: List what was done: everything, or for most people what was done in the projects that they administer. */
  "GET /auditlog-exts": {
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: AuditLogExt[];
  };
  /** getLogExts: List what was done in a project. */
  "GET /projects/{project_name}/auditlog-exts": {
    path: {
      project_name: string;
    };
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: AuditLogExt[];
  };
  /** listAuditLogs: List what was done, in the older form, which has no refusals. */
  "GET /audit-logs": {
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: AuditLog[];
  };
  /** getLogs: List what was done in a project, in the older form, which has no refusals. */
  "GET /projects/{project_name}/logs": {
    path: {
      project_name: string;
    };
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: AuditLog[];
  };
  /** listAuditLogEventTypes: List the kinds of events that can be left out of the log. */
  "GET /auditlog-exts/events": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: AuditLogEventType[];
  };
  /** listAuditEntries: List what was done, by key and with all that is known: no page costs more than the first, nothing shifts. */
  "GET /audit": {
    query: {
      q?: string;
      page_size?: number;
      older_than?: string;
      newer_than?: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: AuditEntriesOut;
  };
  /** pingSyslog: Test a receiver of the audit log before it is set, by connecting to it; */
  "POST /system/syslog/ping": {
    header: {
      "X-Request-Id"?: string;
    };
    body: SyslogPing;
    reply: undefined;
  };
  /** getPurgeHistory: The purges of the audit log, the newest first. */
  "GET /system/purgeaudit": {
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: ExecHistory[];
  };
  /** getPurgeSchedule: When the audit log is purged by itself; */
  "GET /system/purgeaudit/schedule": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: ExecHistory;
  };
  /** createPurgeSchedule: Purge the audit log now (`Manual`), or at times. */
  "POST /system/purgeaudit/schedule": {
    header: {
      "X-Request-Id"?: string;
    };
    body: Schedule;
    reply: undefined;
  };
  /** updatePurgeSchedule: Purge it at other times, not any more (`None`), or now (`Manual`). */
  "PUT /system/purgeaudit/schedule": {
    header: {
      "X-Request-Id"?: string;
    };
    body: Schedule;
    reply: undefined;
  };
  /** getPurgeJob: A purge of the audit log. */
  "GET /system/purgeaudit/{purge_id}": {
    path: {
      purge_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: ExecHistory;
  };
  /** stopPurge: Stop a purge; */
  "PUT /system/purgeaudit/{purge_id}": {
    path: {
      purge_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** getPurgeJobLog: The log of a purge, also while it runs. */
  "GET /system/purgeaudit/{purge_id}/log": {
    path: {
      purge_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: string;
  };
  /** listAllRepositories: The repositories of all projects that the caller can list, the newest first; */
  "GET /repositories": {
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Repository[];
  };
  /** listRepositories: The repositories of a project, the newest first; */
  "GET /projects/{project_name}/repositories": {
    path: {
      project_name: string;
    };
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Repository[];
  };
  /** getRepository: One repository. */
  "GET /projects/{project_name}/repositories/{repository_name}": {
    path: {
      project_name: string;
      repository_name: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Repository;
  };
  /** updateRepository: Change the description of a repository. */
  "PUT /projects/{project_name}/repositories/{repository_name}": {
    path: {
      project_name: string;
      repository_name: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: Repository;
    reply: undefined;
  };
  /** deleteRepository: Delete a repository with all its artifacts; */
  "DELETE /projects/{project_name}/repositories/{repository_name}": {
    path: {
      project_name: string;
      repository_name: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** listArtifacts: The artifacts of a repository, the newest first: those that have a tag or are no child of an index. */
  "GET /projects/{project_name}/repositories/{repository_name}/artifacts": {
    path: {
      project_name: string;
      repository_name: string;
    };
    query: {
      with_tag?: boolean;
      with_label?: boolean;
      with_scan_overview?: boolean;
      with_sbom_overview?: boolean;
      with_immutable_status?: boolean;
      with_accessory?: boolean;
      with_inherited_accessory?: boolean;
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Artifact[];
  };
  /** CopyArtifact: Copy an artifact from a repository that the caller may pull from: with its children, accessories and tags. */
  "POST /projects/{project_name}/repositories/{repository_name}/artifacts": {
    path: {
      project_name: string;
      repository_name: string;
    };
    query: {
      from: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** listArtifactsOfProject: The artifacts of all repositories of a project, the newest first; */
  "GET /projects/{project_name_or_id}/artifacts": {
    path: {
      project_name_or_id: string;
    };
    query: {
      with_tag?: boolean;
      with_label?: boolean;
      with_scan_overview?: boolean;
      with_sbom_overview?: boolean;
      with_immutable_status?: boolean;
      with_accessory?: boolean;
      with_inherited_accessory?: boolean;
      latest_in_repository?: boolean;
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: Artifact[];
  };
  /** getArtifact: One artifact, by a tag or by its digest. */
  "GET /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}": {
    path: {
      project_name: string;
      repository_name: string;
      reference: string;
    };
    query: {
      with_tag?: boolean;
      with_label?: boolean;
      with_scan_overview?: boolean;
      with_sbom_overview?: boolean;
      with_signature?: boolean;
      with_immutable_status?: boolean;
      with_accessory?: boolean;
      with_inherited_accessory?: boolean;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Artifact;
  };
  /** deleteArtifact: Delete an artifact with all its tags, its accessories, and the children that nothing else needs. */
  "DELETE /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}": {
    path: {
      project_name: string;
      repository_name: string;
      reference: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** listAccessories: What refers to an artifact: signatures, SBOMs, …; */
  "GET /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/accessories": {
    path: {
      project_name: string;
      repository_name: string;
      reference: string;
    };
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Accessory[];
  };
  /** getIcon: The icon of a type of artifacts, by the digest that an artifact shows. */
  "GET /icons/{digest}": {
    path: {
      digest: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Icon;
  };
  /** listTags: The tags of an artifact, the newest first. */
  "GET /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tags": {
    path: {
      project_name: string;
      repository_name: string;
      reference: string;
    };
    query: {
      with_immutable_status?: boolean;
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Tag[];
  };
  /** createTag: Put a new tag on an artifact. */
  "POST /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tags": {
    path: {
      project_name: string;
      repository_name: string;
      reference: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: NewTag;
    reply: undefined;
  };
  /** deleteTag: Take a tag off an artifact, which stays. */
  "DELETE /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/tags/{tag_name}": {
    path: {
      project_name: string;
      repository_name: string;
      reference: string;
      tag_name: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** pointTag: Point a tag at an artifact of the repository, wherever it points now: as a push of it by that tag would. */
  "PUT /projects/{project_name}/repositories/{repository_name}/tags/{tag_name}": {
    path: {
      project_name: string;
      repository_name: string;
      tag_name: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: PointTag;
    reply: undefined;
  };
  /** listTagHistory: Where a tag pointed, the newest first; */
  "GET /projects/{project_name}/repositories/{repository_name}/tags/{tag_name}/history": {
    path: {
      project_name: string;
      repository_name: string;
      tag_name: string;
    };
    query: {
      at?: string;
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: TagPast[];
  };
  /** listRepositoryHistory: What became of all tags of a repository, the newest first; */
  "GET /projects/{project_name}/repositories/{repository_name}/history": {
    path: {
      project_name: string;
      repository_name: string;
    };
    query: {
      at?: string;
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: RepositoryPast[];
  };
  /** listRepositoryTags: All tags of a repository, the highest version first, then those that are no version, the newest first. */
  "GET /projects/{project_name}/repositories/{repository_name}/tags": {
    path: {
      project_name: string;
      repository_name: string;
    };
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: RepositoryTag[];
  };
  /** ListLabels: The labels of the whole system (`scope=g`), or of a project (`scope=p` with `project_id`), by name. */
  "GET /labels": {
    query: {
      scope?: string;
      project_id?: number;
      name?: string;
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: ListedLabel[];
  };
  /** CreateLabel: Make a label of the whole system (`scope` g) or of a project (`scope` p). */
  "POST /labels": {
    header: {
      "X-Request-Id"?: string;
    };
    body: Label;
    reply: undefined;
  };
  /** GetLabelByID: One label. */
  "GET /labels/{label_id}": {
    path: {
      label_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Label;
  };
  /** UpdateLabel: Change the name, the description or the color of a label. */
  "PUT /labels/{label_id}": {
    path: {
      label_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: Label;
    reply: undefined;
  };
  /** DeleteLabel: Delete a label; */
  "DELETE /labels/{label_id}": {
    path: {
      label_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** addLabel: Put a label on an artifact: its `id` is read, and nothing else. */
  "POST /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/labels": {
    path: {
      project_name: string;
      repository_name: string;
      reference: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: Label;
    reply: undefined;
  };
  /** removeLabel: Take a label off an artifact. */
  "DELETE /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/labels/{label_id}": {
    path: {
      project_name: string;
      repository_name: string;
      reference: string;
      label_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** ListImmuRules: The rules of a project, disabled ones too, by id; */
  "GET /projects/{project_name_or_id}/immutabletagrules": {
    path: {
      project_name_or_id: string;
    };
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: ImmutableRule[];
  };
  /** CreateImmuRule: Add a rule. */
  "POST /projects/{project_name_or_id}/immutabletagrules": {
    path: {
      project_name_or_id: string;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    body: ImmutableRule;
    reply: undefined;
  };
  /** UpdateImmuRule: Replace a rule. */
  "PUT /projects/{project_name_or_id}/immutabletagrules/{immutable_rule_id}": {
    path: {
      project_name_or_id: string;
      immutable_rule_id: number;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    body: ImmutableRule;
    reply: undefined;
  };
  /** DeleteImmuRule: Delete a rule. */
  "DELETE /projects/{project_name_or_id}/immutabletagrules/{immutable_rule_id}": {
    path: {
      project_name_or_id: string;
      immutable_rule_id: number;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** getAddition: More of an artifact, as it was pushed: see its `addition_links`. */
  "GET /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/additions/{addition}": {
    path: {
      project_name: string;
      repository_name: string;
      reference: string;
      addition: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: unknown;
  };
  /** compareArtifacts: What differs between two artifacts of a repository, each named by a tag or a digest: layers and configs. */
  "GET /projects/{project_name}/repositories/{repository_name}/compare": {
    path: {
      project_name: string;
      repository_name: string;
    };
    query: {
      from: string;
      to: string;
      platform?: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Comparison;
  };
  /** getArtifactParts: The manifest of an artifact as it was pushed, and what it consists of: config, layers, children of an index. */
  "GET /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/parts": {
    path: {
      project_name: string;
      repository_name: string;
      reference: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: ArtifactParts;
  };
  /** explain: Why somebody may do something here, or may not: for project administrators and system administrators. */
  "GET /projects/{project_name_or_id}/explain": {
    path: {
      project_name_or_id: string;
    };
    query: {
      principal: string;
      action: string;
      repository?: string;
      tag?: string;
      scopes?: string;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: Explanation;
  };
  /** matchSelectors: How many repositories and tags of a project selectors mean, and the first of them. */
  "POST /projects/{project_name_or_id}/selectors/match": {
    path: {
      project_name_or_id: string;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    body: MatchReq;
    reply: Matches;
  };
  /** matchSelectorsEverywhere: How many repositories and tags of the whole registry selectors mean. */
  "POST /selectors/match": {
    header: {
      "X-Request-Id"?: string;
    };
    body: MatchReq;
    reply: Matches;
  };
  /** trySelector: Which of the names in the body a selector means. */
  "POST /selectors/try": {
    header: {
      "X-Request-Id"?: string;
    };
    body: TryReq;
    reply: TriedNames;
  };
  /** getProjectStorage: How many bytes a project holds. */
  "GET /projects/{project_name_or_id}/storage": {
    path: {
      project_name_or_id: string;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: ProjectStorage;
  };
  /** listRepositoryStorage: How many bytes the repositories of a project hold, the most own bytes first; */
  "GET /projects/{project_name_or_id}/storage/repositories": {
    path: {
      project_name_or_id: string;
    };
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: RepositoryStorage[];
  };
  /** getRepositoryStorage: How many bytes a repository holds, how many of them would come back, and with whom it shares the others. */
  "GET /projects/{project_name}/repositories/{repository_name}/storage": {
    path: {
      project_name: string;
      repository_name: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: OneRepositoryStorage;
  };
  /** measureArtifacts: How many bytes would come back if artifacts were deleted, each for itself and all together. */
  "POST /projects/{project_name}/repositories/{repository_name}/storage": {
    path: {
      project_name: string;
      repository_name: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: MeasureReq;
    reply: MeasuredArtifacts;
  };
  /** getProjectUsage: Pulls, pushes and held bytes of a project, by day, week (from Monday) or month, in UTC. */
  "GET /projects/{project_name_or_id}/usage": {
    path: {
      project_name_or_id: string;
    };
    query: {
      from?: string;
      to?: string;
      by?: "day" | "week" | "month";
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: Usage;
  };
  /** getUsage: The same of all projects together, with what projects did that are gone meanwhile. */
  "GET /usage": {
    query: {
      from?: string;
      to?: string;
      by?: "day" | "week" | "month";
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Usage;
  };
  /** previewArtifactDeletion: What would go with an artifact: tags, accessories, children that nothing else needs; */
  "GET /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/deletion": {
    path: {
      project_name: string;
      repository_name: string;
      reference: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Deletion;
  };
  /** previewRepositoryDeletion: What would go with a repository, and what forbids it. */
  "GET /projects/{project_name}/repositories/{repository_name}/deletion": {
    path: {
      project_name: string;
      repository_name: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Deletion;
  };
  /** previewArtifactsDeletion: What would go with several artifacts together, and which of them stay, and why. */
  "POST /projects/{project_name}/repositories/{repository_name}/deletion": {
    path: {
      project_name: string;
      repository_name: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: ReferencesReq;
    reply: Deletion;
  };
  /** previewTagDeletion: What deleting tags would do: which artifacts would have none, and what keeps them. */
  "POST /projects/{project_name}/repositories/{repository_name}/tags/deletion": {
    path: {
      project_name: string;
      repository_name: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: TagsReq;
    reply: Deletion;
  };
  /** previewProjectDeletion: What would go with a project: what is left in it is in its trash. */
  "GET /projects/{project_name_or_id}/deletion": {
    path: {
      project_name_or_id: string;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: Deletion;
  };
  /** listTrash: What the caller can bring back, what was deleted last first; */
  "GET /trash": {
    query: {
      with_size?: boolean;
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: TrashEntry[];
  };
  /** listProjectTrash: What was deleted from a project and can be brought back; */
  "GET /projects/{project_name_or_id}/trash": {
    path: {
      project_name_or_id: string;
    };
    query: {
      with_size?: boolean;
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: TrashEntry[];
  };
  /** getTrash: One entry of the trash. */
  "GET /trash/{id}": {
    path: {
      id: number;
    };
    query: {
      with_size?: boolean;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: TrashEntry;
  };
  /** purgeTrash: Delete it for ever, now; */
  "DELETE /trash/{id}": {
    path: {
      id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: PurgedEntry;
  };
  /** restoreTrash: Bring it back, with tags, labels and referrers: all of it or nothing. */
  "POST /trash/{id}/restore": {
    path: {
      id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: RestoreReq;
    reply: RestoredEntry;
  };
  /** getRentenitionMetadata: Templates and selectors that rules are made of. */
  "GET /retentions/metadatas": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: RetentionMetadata;
  };
  /** createRetention: Give a project its policy. */
  "POST /retentions": {
    header: {
      "X-Request-Id"?: string;
    };
    body: RetentionPolicy;
    reply: undefined;
  };
  /** getRetention: A project's policy. */
  "GET /retentions/{id}": {
    path: {
      id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: RetentionPolicy;
  };
  /** updateRetention: Replace rules and schedule. */
  "PUT /retentions/{id}": {
    path: {
      id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: RetentionPolicy;
    reply: undefined;
  };
  /** deleteRetention: Delete a policy with its history: everything stays from then on. */
  "DELETE /retentions/{id}": {
    path: {
      id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** listRetentionExecutions: The runs of a policy, the newest first. */
  "GET /retentions/{id}/executions": {
    path: {
      id: number;
    };
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: RetentionExecution[];
  };
  /** triggerRetentionExecution: Run a policy now, or see what it would do. */
  "POST /retentions/{id}/executions": {
    path: {
      id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: RetentionExecutionReq;
    reply: undefined;
  };
  /** operateRetentionExecution: Stop a run. */
  "PATCH /retentions/{id}/executions/{eid}": {
    path: {
      id: number;
      eid: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: RetentionAction;
    reply: undefined;
  };
  /** listRetentionTasks: The repositories of a run. */
  "GET /retentions/{id}/executions/{eid}/tasks": {
    path: {
      id: number;
      eid: number;
    };
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: RetentionExecutionTask[];
  };
  /** listRetentionVerdicts: What a run found of each artifact, and what every rule says of it; */
  "GET /retentions/{id}/executions/{eid}/verdicts": {
    path: {
      id: number;
      eid: number;
    };
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: RetentionVerdict[];
  };
  /** getRetentionTaskLog: A line for each artifact of a repository: digest, tags, kind, time of push and pull, and what becomes of it. */
  "GET /retentions/{id}/executions/{eid}/tasks/{tid}": {
    path: {
      id: number;
      eid: number;
      tid: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: string;
  };
  /** listReplicationPolicies: The policies; */
  "GET /replication/policies": {
    query: {
      name?: string;
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: ReplicationPolicy[];
  };
  /** createReplicationPolicy: Make a policy. */
  "POST /replication/policies": {
    header: {
      "X-Request-Id"?: string;
    };
    body: ReplicationPolicy;
    reply: undefined;
  };
  /** getReplicationPolicy: A policy. */
  "GET /replication/policies/{id}": {
    path: {
      id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: ReplicationPolicy;
  };
  /** updateReplicationPolicy: Change a policy: what is left out stays. */
  "PUT /replication/policies/{id}": {
    path: {
      id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: ReplicationPolicy;
    reply: undefined;
  };
  /** deleteReplicationPolicy: Delete a policy with its history. */
  "DELETE /replication/policies/{id}": {
    path: {
      id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** listReplicationExecutions: The runs, the newest first: of a policy, in a state, with a trigger. */
  "GET /replication/executions": {
    query: {
      policy_id?: number;
      status?: string;
      trigger?: string;
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: ReplicationExecution[];
  };
  /** startReplication: Run a policy now. */
  "POST /replication/executions": {
    header: {
      "X-Request-Id"?: string;
    };
    body: StartReplicationExecution;
    reply: undefined;
  };
  /** getReplicationExecution: A run, as far as it has come. */
  "GET /replication/executions/{id}": {
    path: {
      id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: ReplicationExecution;
  };
  /** stopReplication: Stop a run; */
  "PUT /replication/executions/{id}": {
    path: {
      id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** listReplicationTasks: The artifacts of a run, each once, with how far they have come and why they failed. */
  "GET /replication/executions/{id}/tasks": {
    path: {
      id: number;
    };
    query: {
      status?: string;
      resource_type?: string;
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: ReplicationTask[];
  };
  /** getReplicationLog: What was done for an artifact, also while it is on its way. */
  "GET /replication/executions/{id}/tasks/{task_id}/log": {
    path: {
      id: number;
      task_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: string;
  };
  /** GetSupportedEventTypes: The types of events, targets and formats. */
  "GET /projects/{project_name_or_id}/webhook/events": {
    path: {
      project_name_or_id: string;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: SupportedWebhookEventTypes;
  };
  /** ListWebhookPoliciesOfProject: The policies of a project. */
  "GET /projects/{project_name_or_id}/webhook/policies": {
    path: {
      project_name_or_id: string;
    };
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: WebhookPolicy[];
  };
  /** CreateWebhookPolicyOfProject: Make a policy. */
  "POST /projects/{project_name_or_id}/webhook/policies": {
    path: {
      project_name_or_id: string;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    body: WebhookPolicy;
    reply: undefined;
  };
  /** GetWebhookPolicyOfProject: A policy. */
  "GET /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}": {
    path: {
      project_name_or_id: string;
      webhook_policy_id: number;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: WebhookPolicy;
  };
  /** UpdateWebhookPolicyOfProject: Replace a policy; */
  "PUT /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}": {
    path: {
      project_name_or_id: string;
      webhook_policy_id: number;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    body: WebhookPolicy;
    reply: undefined;
  };
  /** DeleteWebhookPolicyOfProject: Delete a policy with its history. */
  "DELETE /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}": {
    path: {
      project_name_or_id: string;
      webhook_policy_id: number;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** renewWebhookSigningKey: Sign what the policy sends with a new key from now on; */
  "POST /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}/signing-key": {
    path: {
      project_name_or_id: string;
      webhook_policy_id: number;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: WebhookSigningKey;
  };
  /** LastTrigger: For each policy and type of event, when it was told of last. */
  "GET /projects/{project_name_or_id}/webhook/lasttrigger": {
    path: {
      project_name_or_id: string;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: WebhookLastTrigger[];
  };
  /** listFailingWebhooks: The enabled policies whose last delivery failed, however often it was tried. */
  "GET /projects/{project_name_or_id}/webhook/failing": {
    path: {
      project_name_or_id: string;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: WebhookFailing[];
  };
  /** ListWebhookJobs: What a policy told, the newest first; */
  "GET /projects/{project_name_or_id}/webhook/jobs": {
    path: {
      project_name_or_id: string;
    };
    query: {
      policy_id: number;
      status?: string[];
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: WebhookJob[];
  };
  /** ListExecutionsOfWebhookPolicy: The deliveries of a policy as executions, the newest first. */
  "GET /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}/executions": {
    path: {
      project_name_or_id: string;
      webhook_policy_id: number;
    };
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: WebhookExecution[];
  };
  /** ListTasksOfWebhookExecution: The task of a delivery. */
  "GET /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}/executions/{execution_id}/tasks": {
    path: {
      project_name_or_id: string;
      webhook_policy_id: number;
      execution_id: number;
    };
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: WebhookTask[];
  };
  /** GetLogsOfWebhookTask: A line for each attempt. */
  "GET /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}/executions/{execution_id}/tasks/{task_id}/log": {
    path: {
      project_name_or_id: string;
      webhook_policy_id: number;
      execution_id: number;
      task_id: number;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: string;
  };
  /** listWebhookDeliveries: What a policy's targets were told, or will be, with request and response of each attempt; */
  "GET /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}/deliveries": {
    path: {
      project_name_or_id: string;
      webhook_policy_id: number;
    };
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: WebhookDelivery[];
  };
  /** redeliverWebhook: Tell a target the same thing again, under the same event id. */
  "POST /projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}/deliveries/{delivery_id}/redeliver": {
    path: {
      project_name_or_id: string;
      webhook_policy_id: number;
      delivery_id: number;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** getConfigurations: Every live setting but secrets: its value, whether it can be edited, and the variable that fixes it otherwise. */
  "GET /configurations": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: ConfigurationsResponse;
  };
  /** updateConfigurations: Change the live settings that are named; */
  "PUT /configurations": {
    header: {
      "X-Request-Id"?: string;
    };
    body: Configurations;
    reply: undefined;
  };
  /** getInternalconfig: Every live setting but secrets, each as the value it is: lists as lists, objects as objects. */
  "GET /internalconfig": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: Record<string, InternalConfigurationValue>;
  };
  /** getGCHistory: The runs of garbage collection, the newest first. */
  "GET /system/gc": {
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: GCHistory[];
  };
  /** getReclaimable: What a run would bring back now, and what holds the rest. */
  "GET /system/gc/reclaimable": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: ReclaimableOut;
  };
  /** getGCSchedule: When garbage collection runs by itself; */
  "GET /system/gc/schedule": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: GCHistory;
  };
  /** createGCSchedule: Run garbage collection now (`Manual`), or at times. */
  "POST /system/gc/schedule": {
    header: {
      "X-Request-Id"?: string;
    };
    body: Schedule;
    reply: undefined;
  };
  /** updateGCSchedule: Run it at other times, not any more (`None`), or now (`Manual`). */
  "PUT /system/gc/schedule": {
    header: {
      "X-Request-Id"?: string;
    };
    body: Schedule;
    reply: undefined;
  };
  /** getGC: A run of garbage collection. */
  "GET /system/gc/{gc_id}": {
    path: {
      gc_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: GCHistory;
  };
  /** stopGC: Stop a run; */
  "PUT /system/gc/{gc_id}": {
    path: {
      gc_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** getGCLog: The log of a run, also while it runs. */
  "GET /system/gc/{gc_id}/log": {
    path: {
      gc_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: string;
  };
  /** getPing: Answer without looking at anything. */
  "GET /ping": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: string;
  };
  /** getHealth: Whether the parts that this server stands on work; */
  "GET /health": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: OverallHealthStatus;
  };
  /** getSystemInfo: What a client needs before it signs in, and more once it has. */
  "GET /systeminfo": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: GeneralInfo;
  };
  /** getVolumes: How large the volume is that blobs lie on, and how much of it is free. */
  "GET /systeminfo/volumes": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: SystemInfo;
  };
  /** getCert: The certificate that clients need to trust this server: `ca.crt` of the data folder. */
  "GET /systeminfo/getcert": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: string;
  };
  /** getStatistic: How many projects and repositories there are of those that the caller may see. */
  "GET /statistics": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: Statistic;
  };
  /** search: Projects and repositories by a part of their name, of those that the caller may see; */
  "GET /search": {
    query: {
      q: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Search;
  };
  /** getSystemCVEAllowlist: The vulnerabilities that no policy minds in projects without a list of their own. */
  "GET /system/CVEAllowlist": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: CVEAllowlist;
  };
  /** putSystemCVEAllowlist: Replace that list. */
  "PUT /system/CVEAllowlist": {
    header: {
      "X-Request-Id"?: string;
    };
    body: CVEAllowlist;
    reply: undefined;
  };
  /** getWorkerPools: The processes that run background jobs; */
  "GET /jobservice/pools": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: WorkerPool[];
  };
  /** getWorkers: What runs in a process, or in all of them (`all`). */
  "GET /jobservice/pools/{pool_id}/workers": {
    path: {
      pool_id: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Worker[];
  };
  /** stopRunningJob: Stop a job that runs; */
  "PUT /jobservice/jobs/{job_id}": {
    path: {
      job_id: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** actionGetJobLog: The log of a job, also while it runs; */
  "GET /jobservice/jobs/{job_id}/log": {
    path: {
      job_id: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: string;
  };
  /** listTasks: Every task, the newest first, with its progress; */
  "GET /jobservice/tasks": {
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: TaskOut[];
  };
  /** listJobQueues: What waits, by kind of work. */
  "GET /jobservice/queues": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: JobQueue[];
  };
  /** actionPendingJobs: Stop what waits in a queue, hold it, or let it go on; */
  "PUT /jobservice/queues/{job_type}": {
    path: {
      job_type: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    body: ActionRequest;
    reply: undefined;
  };
  /** listSchedules: What starts by itself. */
  "GET /schedules": {
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: ScheduleTask[];
  };
  /** getSchedulePaused: Whether all schedules are held (`all`), or the queue of a kind of work is. */
  "GET /schedules/{job_type}/paused": {
    path: {
      job_type: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: SchedulerStatus;
  };
  /** listWork: The runs that the caller sees, the newest first, with progress; */
  "GET /jobservice/executions": {
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: WorkRun[];
  };
  /** stopWork: Stop a run. */
  "PUT /jobservice/executions/{execution_id}": {
    path: {
      execution_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** listPlannedWork: What starts by itself, with what it is of, when it starts next and how it ended last; */
  "GET /jobservice/schedules": {
    query: {
      q?: string;
      sort?: string;
      page?: number;
      page_size?: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: PlannedWork[];
  };
  /** find: Projects, repositories, tags and artifacts, of those that the caller may see, by what is typed into one field. */
  "GET /find": {
    query: {
      q: string;
      size?: number;
      page?: number;
      kind?: "projects" | "repositories" | "tags" | "artifacts" | null;
      count?: boolean;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: Found;
  };
  /** getCapabilities: What this server can do; */
  "GET /capabilities": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: Capabilities;
  };
  /** listFindings: What is wrong with the server, each with its mend, as `moorage check` says it, and what only a running one knows. */
  "GET /health/findings": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: Diagnosis;
  };
  /** scanArtifact: Not built yet: scanArtifact. */
  "POST /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/scan": {
    path: {
      project_name: string;
      repository_name: string;
      reference: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** stopScanArtifact: Not built yet: stopScanArtifact. */
  "POST /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/scan/stop": {
    path: {
      project_name: string;
      repository_name: string;
      reference: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** getReportLog: Not built yet: getReportLog. */
  "GET /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/scan/{report_id}/log": {
    path: {
      project_name: string;
      repository_name: string;
      reference: string;
      report_id: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** getVulnerabilitiesAddition: Not built yet: getVulnerabilitiesAddition. */
  "GET /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/additions/vulnerabilities": {
    path: {
      project_name: string;
      repository_name: string;
      reference: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** getScannerOfProject: Not built yet: getScannerOfProject. */
  "GET /projects/{project_name_or_id}/scanner": {
    path: {
      project_name_or_id: string;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** setScannerOfProject: Not built yet: setScannerOfProject. */
  "PUT /projects/{project_name_or_id}/scanner": {
    path: {
      project_name_or_id: string;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** listScannerCandidatesOfProject: Not built yet: listScannerCandidatesOfProject. */
  "GET /projects/{project_name_or_id}/scanner/candidates": {
    path: {
      project_name_or_id: string;
    };
    header: {
      "X-Is-Resource-Name"?: boolean;
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** ListProviders: Not built yet: ListProviders. */
  "GET /p2p/preheat/providers": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** PingInstances: Not built yet: PingInstances. */
  "POST /p2p/preheat/instances/ping": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** ListInstances: Not built yet: ListInstances. */
  "GET /p2p/preheat/instances": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** CreateInstance: Not built yet: CreateInstance. */
  "POST /p2p/preheat/instances": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** GetInstance: Not built yet: GetInstance. */
  "GET /p2p/preheat/instances/{preheat_instance_name}": {
    path: {
      preheat_instance_name: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** UpdateInstance: Not built yet: UpdateInstance. */
  "PUT /p2p/preheat/instances/{preheat_instance_name}": {
    path: {
      preheat_instance_name: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** DeleteInstance: Not built yet: DeleteInstance. */
  "DELETE /p2p/preheat/instances/{preheat_instance_name}": {
    path: {
      preheat_instance_name: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** ListPolicies: Not built yet: ListPolicies. */
  "GET /projects/{project_name}/preheat/policies": {
    path: {
      project_name: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** CreatePolicy: Not built yet: CreatePolicy. */
  "POST /projects/{project_name}/preheat/policies": {
    path: {
      project_name: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** GetPolicy: Not built yet: GetPolicy. */
  "GET /projects/{project_name}/preheat/policies/{preheat_policy_name}": {
    path: {
      project_name: string;
      preheat_policy_name: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** ManualPreheat: Not built yet: ManualPreheat. */
  "POST /projects/{project_name}/preheat/policies/{preheat_policy_name}": {
    path: {
      project_name: string;
      preheat_policy_name: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** UpdatePolicy: Not built yet: UpdatePolicy. */
  "PUT /projects/{project_name}/preheat/policies/{preheat_policy_name}": {
    path: {
      project_name: string;
      preheat_policy_name: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** DeletePolicy: Not built yet: DeletePolicy. */
  "DELETE /projects/{project_name}/preheat/policies/{preheat_policy_name}": {
    path: {
      project_name: string;
      preheat_policy_name: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** ListExecutions: Not built yet: ListExecutions. */
  "GET /projects/{project_name}/preheat/policies/{preheat_policy_name}/executions": {
    path: {
      project_name: string;
      preheat_policy_name: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** GetExecution: Not built yet: GetExecution. */
  "GET /projects/{project_name}/preheat/policies/{preheat_policy_name}/executions/{execution_id}": {
    path: {
      project_name: string;
      preheat_policy_name: string;
      execution_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** StopExecution: Not built yet: StopExecution. */
  "PATCH /projects/{project_name}/preheat/policies/{preheat_policy_name}/executions/{execution_id}": {
    path: {
      project_name: string;
      preheat_policy_name: string;
      execution_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** ListTasks: Not built yet: ListTasks. */
  "GET /projects/{project_name}/preheat/policies/{preheat_policy_name}/executions/{execution_id}/tasks": {
    path: {
      project_name: string;
      preheat_policy_name: string;
      execution_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** GetPreheatLog: Not built yet: GetPreheatLog. */
  "GET /projects/{project_name}/preheat/policies/{preheat_policy_name}/executions/{execution_id}/tasks/{task_id}/logs": {
    path: {
      project_name: string;
      preheat_policy_name: string;
      execution_id: number;
      task_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** ListProvidersUnderProject: Not built yet: ListProvidersUnderProject. */
  "GET /projects/{project_name}/preheat/providers": {
    path: {
      project_name: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** getLatestScanAllMetrics: Not built yet: getLatestScanAllMetrics. */
  "GET /scans/all/metrics": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** getLatestScheduledScanAllMetrics: Not built yet: getLatestScheduledScanAllMetrics. */
  "GET /scans/schedule/metrics": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** getScanAllSchedule: Not built yet: getScanAllSchedule. */
  "GET /system/scanAll/schedule": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** createScanAllSchedule: Not built yet: createScanAllSchedule. */
  "POST /system/scanAll/schedule": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** updateScanAllSchedule: Not built yet: updateScanAllSchedule. */
  "PUT /system/scanAll/schedule": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** stopScanAll: Not built yet: stopScanAll. */
  "POST /system/scanAll/stop": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** listScanners: Not built yet: listScanners. */
  "GET /scanners": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** createScanner: Not built yet: createScanner. */
  "POST /scanners": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** pingScanner: Not built yet: pingScanner. */
  "POST /scanners/ping": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** getScanner: Not built yet: getScanner. */
  "GET /scanners/{registration_id}": {
    path: {
      registration_id: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** updateScanner: Not built yet: updateScanner. */
  "PUT /scanners/{registration_id}": {
    path: {
      registration_id: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** setScannerAsDefault: Not built yet: setScannerAsDefault. */
  "PATCH /scanners/{registration_id}": {
    path: {
      registration_id: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** deleteScanner: Not built yet: deleteScanner. */
  "DELETE /scanners/{registration_id}": {
    path: {
      registration_id: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** getScannerMetadata: Not built yet: getScannerMetadata. */
  "GET /scanners/{registration_id}/metadata": {
    path: {
      registration_id: string;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** exportScanData: Not built yet: exportScanData. */
  "POST /export/cve": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** getScanDataExportExecution: Not built yet: getScanDataExportExecution. */
  "GET /export/cve/execution/{execution_id}": {
    path: {
      execution_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** getScanDataExportExecutionList: Not built yet: getScanDataExportExecutionList. */
  "GET /export/cve/executions": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** downloadScanData: Not built yet: downloadScanData. */
  "GET /export/cve/download/{execution_id}": {
    path: {
      execution_id: number;
    };
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** getSecuritySummary: Not built yet: getSecuritySummary. */
  "GET /security/summary": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
  /** ListVulnerabilities: Not built yet: ListVulnerabilities. */
  "GET /security/vul": {
    header: {
      "X-Request-Id"?: string;
    };
    reply: undefined;
  };
}
