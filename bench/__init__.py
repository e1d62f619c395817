"""How fast the package is, beside what it is measured against; `python -m bench.codec` or `make bench`."""
