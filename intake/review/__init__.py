"""Review: what people are asked about a document, what they answer, and what becomes of the field by it."""
