"""The one durable log: SQLite, one writer, readers that never write."""
