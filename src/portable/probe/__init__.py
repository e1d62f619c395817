"""Checks against a live host: what it does, tried out in a scratch prefix that is removed again."""

from portable.probe.probing import Interrupted, Outcome, probe

__all__ = ["Interrupted", "Outcome", "probe"]
