"""Processor time and memory of a running process, from /proc."""

import os
from pathlib import Path


def cpu_s(pid: int) -> float:
    """Return the seconds of processor time, in user and kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mib(pid: int) -> float:
    """Return the resident memory in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024  # the kernel's kB is 1,024 bytes


def peak_mib(pid: int) -> float:
    """Return the most resident memory that the process ever had, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
