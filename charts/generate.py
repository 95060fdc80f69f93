"""Write what the chart holds of the rest of the project: CRDs from the declarations, policies from their folder.

A chart can only read files below itself. A test fails where these copies are not what this would write.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from webhook.cli.yaml_output import written
from webhook.kinds.crd import crds

ROOT = Path(__file__).resolve().parents[1]
FILES = ROOT / "charts" / "vmconfig" / "files"


def wanted() -> dict[str, str]:
    """Every generated file by its path below `files/`."""
    made = {f"crds/{crd['metadata']['name']}.yaml": written([crd], shared=True) for crd in crds()}
    for policy in sorted((ROOT / "policies").glob("*/policy.yaml")):
        made[f"policies/{policy.parent.name}.yaml"] = policy.read_text()
    for policy in sorted((ROOT / "policies").glob("*/kubevirt.yaml")):
        made[f"kubevirt/kubevirt-{policy.parent.name}.yaml"] = policy.read_text()
    return made


def main() -> int:
    shutil.rmtree(FILES, ignore_errors=True)
    for name, text in wanted().items():
        path = FILES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
