"""Redis and the database: the only code that speaks to them."""
