"""Backends: hosts behind one protocol of five verbs, and what stands between it and their requests."""
