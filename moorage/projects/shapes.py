"""The settings of a project as clients of the contract send and get them."""

import msgspec


class ProjectMetadata(msgspec.Struct, omit_defaults=True):
    """Settings of a project; all values are texts."""

    public: str | None = None
    """Whether everybody may pull: `true` or `false`."""
    enable_content_trust: str | None = None
    """Whether only artifacts with a notation signature can be pulled."""
    enable_content_trust_cosign: str | None = None
    """Whether only artifacts with a cosign signature can be pulled."""
    prevent_vul: str | None = None
    """Whether artifacts with vulnerabilities of `severity` and above cannot be pulled."""
    severity: str | None = None
    """`none`, `low`, `medium`, `high` or `critical`."""
    auto_scan: str | None = None
    """Whether artifacts are scanned when they are pushed."""
    auto_sbom_generation: str | None = None
    """Whether an SBOM is made when an artifact is pushed."""
    reuse_sys_cve_allowlist: str | None = None
    """Whether the system's list of allowed vulnerabilities holds instead of the project's own. Not set: true."""
    retention_id: str | None = None
    """The id of the retention policy; cannot be set here."""
    proxy_speed_kb: str | None = None
    """Of a proxy cache: kilobytes a second from the upstream registry, -1 for no limit."""
    max_upstream_conn: str | None = None
    """Of a proxy cache: connections to the upstream registry per artifact, -1 for no limit."""
    proxy_cache_local_on_not_found: str | None = None
    """Of a proxy cache: whether to serve what the upstream registry no longer has."""
    proxy_referrer_api: str | None = None
    """Of a proxy cache: whether to ask the upstream registry for referrers."""
    proxy_cache_filter_pattern: str | None = None
    """Of a proxy cache: which repositories are fetched. Empty: all."""
    proxy_cache_filter_kind: str | None = None
    """How that pattern is read: `doublestar` or `regex`."""
    proxy_cache_tag_seconds: str | None = None
    """Ours, of a proxy cache: for how many seconds a tag is not looked up again. Not set: what the settings say."""
    proxy_cache_evict: str | None = None
    """Ours, of a proxy cache: whether what was pulled longest ago goes when the project is full. Not set: `true`."""
    trash_days: str | None = None
    """Ours: for how many days what is deleted can be restored, 0 to 3650; `0`: not at all. Not set: 7."""
