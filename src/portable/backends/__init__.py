"""Backends: one module a host, behind one protocol of five verbs."""
