"""Dead letters that are good by today's rules go to the store."""
