"""The ledger of changes."""
