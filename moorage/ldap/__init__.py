"""A client of LDAP v3, as far as signing people in needs it: connect, StartTLS, simple bind, search.

Every step is a coroutine, so that one deadline holds for a whole conversation, wherever it hangs. Filters are built as
values, never as text: what somebody typed is always data. Referrals are reported and never followed.
`moorage.authentication` knows what users and groups are; this package knows only entries.
"""
