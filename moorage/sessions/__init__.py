"""The sessions of the portal, kept in the database or in Redis."""
