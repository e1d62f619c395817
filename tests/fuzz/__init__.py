"""Fuzzing of everything that reads bytes from outside: see CONTRIBUTING.md, "Fuzzing".

A target is a module with `run(data) -> bool`. It reads `data` as a script of edits to something sound, authenticates the result
again as a holder of the keys could, and gives it to the code under test. It returns whether the first check was passed, and
`FIRST_CHECK` says which one that is; anything but an answer or a `PortableError` is a finding.

`python -m tests.fuzz` runs the targets under a coverage-guided fuzzer, `test_fuzz.py` under Hypothesis.
"""

from typing import Final

TARGETS: Final = ("syntax", "header", "message", "slot", "document", "authority", "keyring", "protectors", "catalog", "names")
