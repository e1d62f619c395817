"""Volumes that follow their home: mutations under a lease, reads from wherever the catalog says."""

from portable.leased.volume import LeasedVolume

__all__ = ["LeasedVolume"]
