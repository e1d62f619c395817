"""Files that a version of this project wrote and every later version opens, and beside them files that every version refuses.

Each version has a folder under `files/`, which is never changed again; `manifest.json` in it says what each file is. A version
that writes something new gets a folder of its own: `python -m tests.golden.make`.
"""

from pathlib import Path
from typing import Final

FILES: Final = Path(__file__).with_name("files")
PASSPHRASE: Final = "golden files are no secret"
"""Of every keyring and authority here."""
