"""What every room shares: errors and exit codes, logs, signals, times, progress, shipped files."""
