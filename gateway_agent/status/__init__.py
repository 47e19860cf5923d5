"""How the box reports on itself: metrics page, service manager, clock."""
