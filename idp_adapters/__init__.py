"""Identity providers, one kind a file: a table of checks and one pure function."""
