"""The ticket database: engine, tables, migrations, pages of lists, outbox."""
