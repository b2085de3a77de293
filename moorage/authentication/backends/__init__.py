"""Authentication backends: the local table, LDAP directories, and CLI secrets of OpenID users.

One file per backend; `base.py` is the protocol.
"""
