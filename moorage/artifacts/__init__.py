"""Artifacts, tags, labels and referrers: record, list, copy and delete the manifests of a repository."""
