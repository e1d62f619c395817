"""universal_pathlib: objects of a volume as pathlib paths.

python -m examples.etl.with_upath portable://lake
"""

import sys

from upath import UPath

lake = UPath(sys.argv[1])

notes = lake / "upath" / "notes"
notes.mkdir(parents=True, exist_ok=True)  # does nothing: folders are what keys have in common
(notes / "2024.txt").write_text("Patient suivi régulièrement.\n")
(notes / "2025.txt").write_text("Rien à signaler.\n")

for path in sorted(lake.glob("upath/**/*.txt")):
    print(path.name, path.stat().st_size, "bytes:", path.read_text().strip())

(notes / "2025.txt").unlink()
assert not (notes / "2025.txt").exists()
