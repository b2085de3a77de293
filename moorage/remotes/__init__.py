"""Talking to other systems: registries, OpenID providers, webhook receivers, scanners.

`addresses` says where a request may go, `http` is the one client that goes there. Nothing else in the server opens an
outgoing HTTP connection; LDAP and object stores, whose addresses an operator or administrator sets, have their own.

For registries: `connection` sends requests with an endpoint's credentials (`bearer`), as often as its `patience` says;
`client` reads and writes manifests, blobs and lists, `uploads` sends a blob.
"""
