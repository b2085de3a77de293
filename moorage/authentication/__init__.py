"""Check who signs in: local passwords, LDAP and Active Directory, OpenID Connect, and a trusted header."""
