"""Each declared field is one whose value may be shown or one whose value never is: decided, and not by its name."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import yaml

from tests.secrets.fields import leaves
from webhook.declare import SECRET_KINDS, Backend
from webhook.kinds import declared_fields

HERE = Path(__file__).parent
# Names that make one think of a secret.
_LOOKS = re.compile("(?i)pass|pwd|secret|token|key|cookie|cred|auth|cert|session|cmdline|query|nonce|private")
# Fields with such names that hold none, each with the reason.
SHOWN: dict[str, str] = yaml.safe_load((HERE / "shown.yaml").read_text())


def _names(*, secret: bool) -> set[str]:
    """Paths without what nests in itself, and without the tombstones, whose declarations are the domain's."""
    paths = (path for path in leaves(secret=secret) if not path.startswith("abi.tombstones."))
    return {path for path in paths if not re.search(r"(backingStore|mirror|dataStore)\.", path)}


def test_the_fields_that_never_show_are_those_of_the_list(golden: Callable[[Path, str], None]) -> None:
    golden(HERE / "never_shown.txt", "\n".join(sorted(_names(secret=True))) + "\n")


def test_a_field_whose_name_makes_one_think_of_a_secret_never_shows_or_is_excused() -> None:
    looking = {path for path in _names(secret=False) if _LOOKS.search(path.rpartition(".")[2])}
    assert looking == set(SHOWN)
    assert all(SHOWN.values())


def test_every_credential_and_escape_hatch_never_shows_and_neither_does_what_stands_in_one() -> None:
    for path, place in declared_fields().items():
        if isinstance(place.field_class, Backend) and place.field_class.kind in SECRET_KINDS:
            assert place.field.secret, path


def test_fields_of_one_declaration_agree_wherever_it_stands() -> None:
    """A device that rests is told of as it is in the domain."""
    for path in leaves(secret=True):
        if path.startswith("domain.devices."):
            assert path.replace("domain.devices.", "abi.tombstones.", 1) in leaves(secret=True), path
