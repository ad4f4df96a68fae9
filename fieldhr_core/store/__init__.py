"""Where everything is kept: tables, migrations, one transaction at a time, rep-day tracks, and the outbox."""
