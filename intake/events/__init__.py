"""News for other systems: written with what they tell of, handed to every receiver, until each has taken them."""
