"""Other registries: where they are, who we are there, and what is particular about each kind.

An endpoint that a system administrator saved is the permission to reach its own host and port, wherever that is; what
it redirects to is bound like anybody's. Content is moved by `remotes`; an adapter knows only what differs.
"""
