"""Outdoor conditions over time: Beijing's climate, seeded winters, and exceptional spells."""
