"""All SQL over alerts: writes a Round, answers queries, carries out acts."""
