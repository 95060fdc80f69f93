"""Tools that tests use and that are no Python of ours: Helm, as the library that a PyPI package brings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from helm_python.chart import Chart
from helm_python.chart import lint as helm_lint

# Helm's severities: 0 unknown, 1 information, 2 warning, 3 error.
WARNING = 2


def template(chart: Path, values: dict[str, Any] | None = None, *, namespace: str, release: str) -> str:
    """All manifests that `helm template` prints, ordered by the names of the chart's files (Helm orders by kind).

    Values that the chart's schema refuses raise HelmValuesError, a template that fails HelmRenderError. Files in a
    chart's `crds/` are left out, as `helm template` does without `--include-crds`.
    """
    with Chart.load(chart) as loaded:
        loaded.validate_schema(values or {})
        rendered = loaded.render(values or {}, name=release, namespace=namespace)
    return "\n---\n".join(text for name, text in sorted(rendered.items()) if name.endswith(".yaml") and text.strip())


def lint(chart: Path, values: dict[str, Any] | None = None) -> list[str]:
    """What `helm lint --strict` complains of: warnings and errors, a line each."""
    report = helm_lint(chart, values=values or {}, strict=True)
    messages = [f"{said['path']}: {said['error']}" for said in report["messages"] if said["severity"] >= WARNING]
    return [*messages, *report["errors"]]
