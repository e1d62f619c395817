"""What runs work items: threads of this process."""

from migrate.executors.threads import Threads

__all__ = ["Threads"]
