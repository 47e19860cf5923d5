"""The registers of one unit: how they hold a reading, and which requests it carries out."""
