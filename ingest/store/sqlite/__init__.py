"""The reading store in one SQLite file; `file` opens other SQLite files of ours, too."""
