"""Plans of both rules: what would change, on what evidence."""
