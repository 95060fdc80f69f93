"""The documentation names all that there is, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic.alias_generators import to_camel

from docs.generate import FOLDER, wanted
from webhook import guests
from webhook.declare import BACKEND_KINDS, Backend
from webhook.features import FEATURES
from webhook.kinds import declared_fields
from webhook.rule_sets import RULE_SETS

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "charts").rglob("*.md")]


def test_every_feature_is_documented() -> None:
    text = (ROOT / "docs" / "features.md").read_text()
    for name in FEATURES:
        assert f"| `{to_camel(name)}` |" in text, name


def test_every_guest_is_documented() -> None:
    text = (ROOT / "docs" / "features.md").read_text().partition("## Guests")[2]
    for guest in guests.guests(RULE_SETS[-1]):
        assert f"`{guest.type}`" in text, guest.title
        assert guest.version in text, guest.title


def test_every_class_of_backend_is_documented() -> None:
    text = (ROOT / "docs" / "policies.md").read_text()
    for kind in BACKEND_KINDS:
        assert f"`{kind}`" in text, kind


def test_the_reference_is_what_the_generator_writes() -> None:
    for name, text in wanted().items():
        assert (FOLDER / name).read_text() == text, "run `make generate`"


def test_every_declared_path_is_in_the_reference_by_its_class_or_is_decided_with_another() -> None:
    """Counted apart from the page's own maker: each leaf that no backend element covers has a line."""
    lines = {line.split(" = ")[0] for line in (FOLDER / "classes.md").read_text().splitlines()}
    for path, place in declared_fields().items():
        covered = not isinstance(place.field.field_class, Backend) and isinstance(place.field_class, Backend)
        inside = any(path.startswith(f"{line}.") for line in lines if line in declared_fields())
        if path.startswith("domain.") and place.field.scalar is not None and not covered:
            assert path in lines or inside, path


def test_every_link_leads_to_a_file() -> None:
    links = [(page, link) for page in PAGES for link in re.findall(r"\]\(([^)#]+)", page.read_text())]
    assert len(links) > 10
    for page, link in links:
        assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_decision_has_a_context_a_decision_and_consequences() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text()
        for part in ("**Context.**", "**Decision.**", "**Consequences.**"):
            assert part in text, f"{page.name}: {part}"


@pytest.mark.parametrize("page", ["architecture.md", "extending.md"])
def test_every_place_that_the_page_names_is_there(page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    named = re.findall(r"`((?:webhook|certs|policies|charts|scripts|tests)/[\w./-]*)`", text)
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_test_that_the_docs_name_is_there() -> None:
    """A name alone, as `test_x.py`, stands beside one with its folder."""
    known = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    missing = []
    for page in PAGES:
        for name in re.findall(r"`((?:tests/)?[\w/]*test_\w+\.py|tests/[\w/]+)`", page.read_text()):
            if not ((ROOT / name).exists() if name.startswith("tests/") else name in known):
                missing.append(f"{page.name}: {name}")
    assert missing == []
