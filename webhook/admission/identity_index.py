"""Which stored object has which identity: an index that is kept up to date by a watch, or filled by an audit.

It holds numbers instead of values, so that a million VMs fit into memory: 64 bits of a hash that is another one in
each process, which nobody can aim at. One thread writes while others read: an object's new values are there before
its old ones go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Key = tuple[str, str]


class IdentityIndex:
    """The owners, each `NAMESPACE/NAME`, of identities, each a form and a value."""

    def __init__(self) -> None:
        self._owners: dict[int, str | tuple[str, ...]] = {}
        self._values: dict[str, tuple[int, ...]] = {}

    def __len__(self) -> int:
        """How many identities there are."""
        return len(self._owners)

    def put(self, owner: str, identities: Iterable[Key]) -> None:
        """What an object has now, in place of what it had."""
        had, has = self._values.get(owner, ()), tuple({hash(each) for each in identities})
        for number in has:
            if number not in had:
                self._add(number, owner)
        if has:
            self._values[owner] = has
        else:
            self._values.pop(owner, None)
        for number in had:
            if number not in has:
                self._remove(number, owner)

    def drop(self, owner: str) -> None:
        """Forget an object."""
        self.put(owner, ())

    def others(self, identity: Key, owner: str) -> Iterator[str]:
        """The objects that have an identity beside this one."""
        found = self._owners.get(hash(identity), ())
        return (each for each in ((found,) if type(found) is str else found) if each != owner)

    def _add(self, number: int, owner: str) -> None:
        there = self._owners.get(number)
        if there is None:
            self._owners[number] = owner
        else:
            self._owners[number] = (*((there,) if type(there) is str else there), owner)

    def _remove(self, number: int, owner: str) -> None:
        there = self._owners[number]
        left = tuple(each for each in ((there,) if type(there) is str else there) if each != owner)
        if not left:
            del self._owners[number]
        else:
            self._owners[number] = left if len(left) > 1 else left[0]
