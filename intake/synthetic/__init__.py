"""Synthetic post: our own forms drawn, filled, signed and aged as a scanner would, with exact truth beside them."""
