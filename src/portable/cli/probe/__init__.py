"""`portable probe`: what a live host does, tried out."""

from portable.cli.probe.command import probe

__all__ = ["probe"]
