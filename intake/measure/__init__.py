"""How well post is read: the records of a run against the truth, in numbers, tables and pictures of every miss."""
