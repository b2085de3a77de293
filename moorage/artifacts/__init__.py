"""Repositories, artifacts, tags and referrers, and the blobs that they hold."""
