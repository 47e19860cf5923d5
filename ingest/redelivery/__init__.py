"""Dead letters that are good by today's rules go to the store; all others stay in the file."""
