"""Client-side envelope encryption over any object store."""

__version__ = "0.1.0"
