"""The words of every refusal: each declared backend field has a sentence that is read, as it is, in the golden file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.attacks.planting import possible
from tests.policy.context import PLACES
from webhook.declare import BACKEND_KINDS, SECRET_KINDS, Backend, DeclaredField
from webhook.policy.engine.denial import Denial
from webhook.policy.engine.messages import DEFAULT_DENY, refusal, texts
from webhook.policy.language.selection import class_name
from webhook.policy.language.selection import possible as classes

GOLDEN = Path(__file__).parent / "golden" / "refusals.txt"
# The same declarations once more, in what nests in itself.
_NESTED = re.compile(r"(backingStore|mirror|dataStore)\.")
# Values as people write them, where the field takes them; else what its schema says.
_LIKELY = ("/a/b", "br0", "a-1", "10.0.0.1", "0-3")


def values(place: DeclaredField) -> Iterator[tuple[str, Any]]:
    """A value of each class of backend that the field has, with its class; of an element, nothing."""
    seen: set[str] = set()
    scalar = place.field.scalar
    for value in (*_LIKELY, *possible(scalar.schema)) if scalar else ({},):
        covered = isinstance(place.field_class, Backend) and not isinstance(place.field.field_class, Backend)
        kind = class_name(place.field_class if scalar is None or covered else place.field.class_of_value(value))
        if kind in classes(place) & set(BACKEND_KINDS) - seen and (scalar is None or scalar.check(value) is None):
            seen.add(kind)
            yield kind, value


def _said() -> Iterator[tuple[str, str, Any, str, str]]:
    for path, place in PLACES.items():
        if not _NESTED.search(path):
            for kind, value in values(place):
                made = refusal(Denial(DEFAULT_DENY[kind], path, kind, path, value), secret=place.field.secret)
                yield path, kind, value, made.problem, made.help


def test_the_sentence_of_every_backend_field_is_the_one_that_was_read(golden: Callable[[Path, str], None]) -> None:
    lines = [f"{path}: {problem}\n  help: {way.partition(', or ask')[0]}" for path, _, _, problem, way in _said()]
    golden(GOLDEN, "\n".join(lines) + "\n")


def test_every_backend_field_and_class_has_a_sentence() -> None:
    told = {(path, kind) for path, kind, _, _, _ in _said()}
    wanted = {
        (path, kind)
        for path, place in PLACES.items()
        for kind in classes(place) & set(BACKEND_KINDS)
        if not _NESTED.search(path)
    }
    assert told == wanted


def test_every_refusal_names_the_value_or_else_the_class() -> None:
    for path, kind, value, problem, _ in _said():
        shown = isinstance(value, str | int) and not (PLACES[path].field.secret or kind in SECRET_KINDS)
        assert ("`" in problem) is shown, path
        assert shown or problem in (texts()[kind]["whole"], *texts()[kind].get("fields", {}).values()), path


def test_only_what_begins_like_a_path_is_called_one() -> None:
    for path, _, value, problem, _ in _said():
        if problem.startswith(("host path", "host device", "firmware file")):
            assert str(value).startswith("/"), path


def test_a_way_out_speaks_of_claims_where_a_device_has_one_and_nowhere_else() -> None:
    for path, kind, _, _, way in _said():
        device = ".".join(path.split(".")[:3])
        has_claim = f"{device}.claim" in PLACES or path.startswith("domain.throttleGroups")
        if "claim" in way.lower():
            assert has_claim, f"{path}: {way}"
        elif kind == "io-tuning":
            assert not has_claim, f"{path}: {way}"
