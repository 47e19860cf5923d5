"""Modbus slaves on pseudo-terminals and TCP: frames and requests are pure, the two servers own the
I/O."""
