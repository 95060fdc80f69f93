"""Every feature that is a yes or a no, beside a domain that says the other: it is followed, or refused."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.abi.life import admitted
from tests.abi.test_every_change import WORDS, with_words
from webhook.domain.bus import is_none
from webhook.features import declined
from webhook.findings import Refused
from webhook.trees import Tree

NO = (False, "none")
FLAGS = sorted(feature for feature, words in WORDS.items() if any(word in words for word in NO))
# What the service writes of a device, and what its place in the boot order depends on.
_MADE = ("name", "address", "serial", "bootOrder")


def machine(feature: str, word: Any) -> Tree:
    made, _ = admitted({"features": with_words(feature, word)})
    devices: Tree = made["domain"]["devices"]
    return {kind: entries for kind, entries in devices.items() if kind != "controllers"}


def present(devices: Tree, kind: str) -> list[str]:
    """The devices of a list that are there, by what the guest sees them as."""
    entries = devices.get(kind, [])
    found = [one for one in (entries if isinstance(entries, list) else [entries]) if not is_none(one)]
    return sorted(str((one.get("type"), one.get("bus"), (one.get("target") or {}).get("name"))) for one in found)


def own(feature: str) -> set[str]:
    """The lists that have devices by the feature alone."""
    words = WORDS[feature]
    yes, no = next(word for word in words if word not in NO), next(word for word in words if word in NO)
    on, off = machine(feature, yes), machine(feature, no)
    return {kind for kind in {*on, *off} if len(present(on, kind)) > len(present(off, kind))}


def stated(devices: Tree, kinds: set[str]) -> Tree:
    """The devices of some lists as a tenant writes them."""

    def bare(device: Tree) -> Tree:
        return {name: value for name, value in device.items() if name not in _MADE}

    found = {kind: devices[kind] for kind in sorted(kinds) if kind in devices}
    return {kind: [bare(one) for one in part] if isinstance(part, list) else bare(part) for kind, part in found.items()}


def follows(devices: Tree, feature: str, word: Any, kinds: set[str]) -> bool:
    """Whether the machine is as the word says: nothing more than the word makes, or at least one of its devices.

    A video device that the domain states stays without a display, in a new machine as in an old one.
    """
    made = machine(feature, word)
    if word in NO:
        kinds = {kind for _, kind, _ in declined({feature: word})} or kinds
        return all(len(present(devices, kind)) <= len(present(made, kind)) for kind in kinds)
    return any(len(present(devices, kind)) >= len(present(made, kind)) > 0 for kind in kinds)


def test_there_are_such_features_and_each_has_devices() -> None:
    assert {"balloon", "rng", "tpm", "graphics", "input", "sound"} <= set(FLAGS)
    assert all(own(feature) for feature in FLAGS)


@pytest.mark.parametrize("feature", FLAGS)
def test_a_word_beside_what_the_domain_states_is_followed_or_refused(feature: str) -> None:
    kinds, wrong = own(feature), []
    for there, word in itertools.permutations(WORDS[feature], 2):
        domain = {"devices": stated(machine(feature, there), kinds)}
        try:
            made, _ = admitted({"features": with_words(feature, word), "domain": domain})
        except Refused as refused:
            wrong += [str(finding) for finding in refused.findings if not finding.help]
            continue
        if not follows(made["domain"]["devices"], feature, word, kinds):
            wrong.append(f"{word} beside what {there} makes")
    assert wrong == []


@pytest.mark.parametrize("feature", FLAGS)
def test_a_word_that_an_update_says_of_what_the_domain_stated_is_followed_or_refused(feature: str) -> None:
    kinds, wrong = own(feature), []
    for there, word in itertools.permutations(WORDS[feature], 2):
        domain = {"devices": stated(machine(feature, there), kinds)}
        stored, _ = admitted({"features": with_words(feature, None), "domain": domain})
        try:
            made, _ = admitted({**stored, "features": with_words(feature, word)}, stored)
        except Refused as refused:
            wrong += [str(finding) for finding in refused.findings if not finding.help]
            continue
        if not follows(made["domain"]["devices"], feature, word, kinds):
            wrong.append(f"{word} after what {there} makes")
    assert wrong == []


@pytest.mark.parametrize("feature", FLAGS)
def test_a_device_that_an_update_adds_beside_a_no_is_refused_and_what_is_stored_stays(feature: str) -> None:
    words, kinds = WORDS[feature], own(feature)
    yes, no = next(word for word in words if word not in NO), next(word for word in words if word in NO)
    stored, _ = admitted({"features": with_words(feature, no)})
    devices: Tree = {}
    for kind, part in stated(machine(feature, yes), kinds).items():
        before = stored["domain"]["devices"].get(kind, [])
        kept = [one for one in before if not is_none(one)] if isinstance(before, list) else []
        known = present({kind: kept}, kind)
        devices[kind] = part
        if isinstance(part, list):
            devices[kind] = [*kept, *(one for one in part if present({kind: [one]}, kind)[0] not in known)]
    domain = {**stored["domain"], "devices": {**stored["domain"]["devices"], **devices}}
    with pytest.raises(Refused, match=rf"spec\.(features\.{feature}|domain\.devices)"):
        admitted({**stored, "domain": domain}, stored)
    assert admitted(stored, stored)[0] == stored


def test_what_is_made_again_from_its_manifest_is_not_asked() -> None:
    stored, _ = admitted(
        {"features": with_words("sound", None), "domain": {"devices": {"sounds": [{"model": "ich9"}]}}}
    )
    again, _ = admitted({**stored, "features": with_words("sound", False)})
    assert again["domain"] == stored["domain"]
