"""Effects leave here: the outbox hands each to the channel of its kind."""
