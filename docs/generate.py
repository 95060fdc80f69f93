"""Write the reference pages, which are made of the code. A test fails where they are not as this writes them."""

from __future__ import annotations

import sys
from pathlib import Path

from webhook.consistency import RULES, Rule
from webhook.kinds import declared_fields
from webhook.policy.tools.reference import page

FOLDER = Path(__file__).resolve().parent / "reference"
_RULES = """# What has to fit together

Made of the rules of `webhook/consistency/` by `make generate`. They hold for every complete machine, whoever wrote it,
and no policy turns them off.

| rule | on a breach | why |
| --- | --- | --- |
"""


def wanted() -> dict[str, str]:
    """Every generated page by its file's name."""
    return {"classes.md": page(declared_fields()), "consistency.md": _RULES + "".join(map(_row, RULES))}


def _row(rule: Rule) -> str:
    why = (rule.check.__doc__ or "").partition("\n")[0]
    return f"| {rule.name.replace('_', ' ')} | {'refused' if rule.refuses else 'a warning'} | {why} |\n"


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    for name, text in wanted().items():
        (FOLDER / name).write_text(text)
        print(f"docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
