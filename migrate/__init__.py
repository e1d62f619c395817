"""Moves a volume from one host to another, with evidence that nothing was lost or altered."""
