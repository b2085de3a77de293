"""Blob bytes. One driver per file; rows, not the storage, know what a key means.

A key is used once: it is given out by a row before bytes are under it and never again afterwards, so a late or
repeated delete can hit nothing that anybody still wants.
"""
