"""Modbus slaves on pseudo-terminals and TCP: pure frames and requests, and two servers."""
