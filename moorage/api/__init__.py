"""The control plane: Harbor's REST API v2.0 under /api, and our own additions beside it.

Each subject brings its routes (`SUBJECT/routes.py`); here they become one application with one guard. Not here: what
an operation does, which is its subject's.
"""
