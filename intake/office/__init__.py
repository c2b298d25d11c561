"""What operators and supervisors ask: batches against their target, any piece found again, the day in numbers."""
