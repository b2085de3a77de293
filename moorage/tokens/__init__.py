"""The tokens of registry clients and scripts: registry tokens, access tokens and refresh tokens."""
