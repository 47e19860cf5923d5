"""A batch becomes durable and is acknowledged: dead-letter file, receipts, watermarks."""
