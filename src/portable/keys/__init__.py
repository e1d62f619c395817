"""Keyrings, authorities and the identities that unlock them."""
