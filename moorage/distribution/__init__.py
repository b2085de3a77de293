"""The data plane: the OCI distribution API under /v2 and its tokens, as plain ASGI."""
