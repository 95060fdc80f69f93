"""Write the reference pages that are made of the declarations. A test fails where they are not as this writes them."""

from __future__ import annotations

import sys
from pathlib import Path

from webhook.kinds import declared_fields
from webhook.policy.tools.reference import page

FOLDER = Path(__file__).resolve().parent / "reference"


def wanted() -> dict[str, str]:
    """Every generated page by its file's name."""
    return {"classes.md": page(declared_fields())}


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    for name, text in wanted().items():
        (FOLDER / name).write_text(text)
        print(f"docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
