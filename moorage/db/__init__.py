"""Where rows live: the engine, the unit of work, column types, and paging by key.

Transactions are plain functions over a Core connection (docs/adr/0002); the fast lane reads with prepared statements.
"""
