"""The catalog maps a volume's name to the store that is its home now."""
