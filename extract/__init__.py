"""A pure library: pixels and form types in, readings and decisions out. No clock, database, network or queue."""
