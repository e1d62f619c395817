"""The object format, against the public SDK, against altered bytes, and by its arithmetic."""
