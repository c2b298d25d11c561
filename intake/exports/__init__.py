"""Exports: published records as JSON lines or as a table for a spreadsheet, and a whole batch as one archive."""
