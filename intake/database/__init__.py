"""What intake remembers: tables, migrations, and the sessions that reach them."""
