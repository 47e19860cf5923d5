"""From a sealed batch to its acknowledgement: dead-letter file, receipts, PUBACKs, watermarks.

`commit` holds the order of these steps; every crash between two of them is harmless.
"""
