"""Where findings of a review are told: at the words of `spec.features` that asked for the values.

What a tenant is refused does not depend on it; the features are expanded once more where there is something to tell.
"""

from __future__ import annotations

from webhook.admission.context import AdmissionContext
from webhook.admission.reading import Reading
from webhook.expand.words import words_of
from webhook.findings import Findings


def at_words(found: Findings, reading: Reading, context: AdmissionContext) -> Findings:
    """The findings of an inspected spec, each where the tenant wrote what it is about."""
    start = f"{reading.path}.domain."
    if not reading.spec.get("features") or not any(each.path.startswith(start) for each in found):
        return found
    words = words_of(reading.spec, context.site, reading.path)
    if words is None:
        return found
    told = Findings(map(words.told, found), found.most)
    told.cut = found.cut
    return told
