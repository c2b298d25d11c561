"""The words everybody shares: geometry, fields, readings, form types, records, errors. Imports nothing of ours."""
