"""Who can say whether a password is right: our own table, and the directories that an administrator sets up.

One file per backend; `base.py` is the protocol.
"""
