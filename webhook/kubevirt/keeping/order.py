"""The order of lists in which order is place: KubeVirt counts disks, inputs and other devices as they stand."""

from __future__ import annotations

from collections.abc import Callable

from webhook.trees import Tree


def kept_order(before: list[Tree], entries: list[Tree], group: Callable[[Tree], str]) -> list[Tree]:
    """The entries with those that were there before in their order, and the new ones behind.

    `group` says among which others an entry is counted; empty where it is not. A counted place that is left is filled
    by a new entry of its group, else by the group's last one, so that one device moves and not all behind it. Where the
    order is kept already, the list itself is returned.
    """
    here = {entry["name"]: entry for entry in entries}
    known = {entry["name"] for entry in before}
    fresh = [entry for entry in entries if entry["name"] not in known]
    # Entries that stay, and the groups of those that are gone in their places.
    places: list[Tree | str] = [here.get(entry["name"], group(entry)) for entry in before]
    for at, place in enumerate(places):
        if isinstance(place, str) and place and _survivors(places, at, place, group):
            filling = next((entry for entry in fresh if group(entry) == place), None)
            if filling is not None:
                fresh.remove(filling)
                places[at] = filling
    for at, place in enumerate(places):
        if isinstance(place, str) and place:
            behind = _survivors(places, at, place, group)
            if len(behind) > 1:
                places[at], places[behind[-1]] = places[behind[-1]], ""
    made = [place for place in places if isinstance(place, dict)] + fresh
    return entries if [entry["name"] for entry in made] == [entry["name"] for entry in entries] else made


def _survivors(places: list[Tree | str], at: int, counted: str, group: Callable[[Tree], str]) -> list[int]:
    """Where entries of a group stand behind a place."""
    found = []
    for index in range(at + 1, len(places)):
        place = places[index]
        if isinstance(place, dict) and group(place) == counted:
            found.append(index)
    return found
