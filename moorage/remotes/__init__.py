"""Talking to other systems: registries, OpenID providers, webhook receivers, scanners.

`addresses` says where a request may go, `http` is the one client that goes there. Nothing else in the server opens an
outgoing HTTP connection; LDAP and object stores, whose addresses an operator or administrator sets, have their own.
"""
