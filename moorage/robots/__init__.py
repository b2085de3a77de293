"""Robot accounts: their secrets, permissions and expiry."""
