"""The one room that knows a database engine: connections, transactions, locks."""
