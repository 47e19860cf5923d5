"""The district's service desk: accounts, devices, tickets, and the database they share."""
