"""The policies in force, and the folder that they come from; the last good ones stay. Nothing here waits or watches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from webhook.declare import DeclaredField
from webhook.findings import Finding, Refused
from webhook.policy.engine.engine import Engine, no_rest, utc_today
from webhook.policy.language.model import LEVELS, Policy, Today
from webhook.policy.loading.budget import Budget
from webhook.policy.loading.completeness import missing_files
from webhook.policy.loading.load import Loaded, Loading, OtherApi, load


@dataclass(frozen=True, slots=True, eq=False)
class DeclaredApis:
    """The declared fields of both APIs that policies of one folder are about."""

    own: Mapping[str, DeclaredField]
    kubevirt: OtherApi


class Policies:
    """The policies in force. `error` has the findings of the folder while it is not what is in force."""

    def __init__(
        self,
        folder: Path,
        declared_fields: Mapping[str, DeclaredField] | DeclaredApis,
        default_level: str = LEVELS[0],
        today: Today = utc_today,
    ) -> None:
        """Load the folder; raises Refused with all findings."""
        self.folder = folder
        both = declared_fields if isinstance(declared_fields, DeclaredApis) else None
        own = declared_fields if not isinstance(declared_fields, DeclaredApis) else declared_fields.own
        other = both.kubevirt if both is not None else None
        self.error: list[Finding] = []
        self._load: Callable[[Budget], Loaded] = lambda budget: load(
            folder, Loading(own, default_level, today, budget, kubevirt=other)
        )
        self._loaded = self._load(Budget())

    @property
    def engine(self) -> Engine:
        return self._loaded.engine

    @property
    def kubevirt(self) -> Engine | None:
        """The policies about KubeVirt's own virtual machines; None where they are not read."""
        return self._loaded.kubevirt

    @property
    def all(self) -> tuple[Policy, ...]:
        """Every policy in force, of either API."""
        return self._loaded.policies

    @property
    def digest(self) -> str:
        """The SHA-256 of the files in force."""
        return self._loaded.digest

    @property
    def notes(self) -> tuple[Finding, ...]:
        """Exceptions that had ended when the files were read, and permits that decide nothing."""
        return self._loaded.notes

    def reload(self, rest: Callable[[], None] = no_rest) -> list[Finding]:
        """Read the folder again, with a rest wherever `rest` takes one. With findings, what was in force stays so."""
        try:
            loaded = self._load(Budget(rest))
            missing = [] if self._replaced_as_a_whole() else missing_files(self._loaded, loaded)
            if missing:
                raise Refused(missing)
            self._loaded, self.error = loaded, []
        except Refused as refused:
            self.error = refused.findings
        return self.error

    def _replaced_as_a_whole(self) -> bool:
        """Whether the folder is replaced as a whole, as a mounted ConfigMap is: then files are missing on purpose."""
        return self.folder.is_symlink() or (self.folder / "..data").is_symlink()
