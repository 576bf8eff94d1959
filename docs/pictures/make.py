"""Makes the pictures of the pages anew: python docs/pictures/make.py.

The drawings need nothing but Python. The picture of a terminal needs the extra `cli`, and a system
with pseudo-terminals. `make.py drawings` makes the drawings alone.
"""

from __future__ import annotations

import sys
from pathlib import Path

from drawings import draw_all

if __name__ == "__main__":
    folder = Path(__file__).parent
    draw_all(folder)
    if sys.argv[1:] != ["drawings"]:
        from terminal import record

        record(folder / "export.svg")
