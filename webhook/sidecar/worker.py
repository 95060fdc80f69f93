"""A domain with the machine that is kept, in a process of its own: it may take what it needs, and ends with its answer.

On standard input come the size of the VMI, the VMI as JSON and the domain's XML; on standard output the domain's XML
(exit code 0), or why there is none: the findings, or what is wrong with the input, each with an exit code of its own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import threading
import time

from webhook.sidecar.status import Code, Failed

# The listener waits no longer, whatever its caller says; KubeVirt's own limits are 30 and 60 s.
LONGEST = 20.0
# Of the worker: some ten times what the largest domains take.
MOST_MEMORY = 512 * 1024 * 1024
# Neither is how Python ends by itself (1, and 2 for words that it does not know).
FINDINGS, MALFORMED = 10, 11
_SIZE = 8
_COMMAND = (sys.executable, "-m", "webhook.sidecar.worker")
_CODES = {FINDINGS: Code.FAILED_PRECONDITION, MALFORMED: Code.INVALID_ARGUMENT}
# One at a time, so that what a pod may use does not depend on who asks at once.
_alone = threading.Lock()


def restate(domain: bytes, vmi: bytes, until: float) -> bytes:
    """The domain that KubeVirt shall define; raises Failed, with the text of all findings where there are any."""
    until = min(until, time.monotonic() + LONGEST)
    if not _alone.acquire(timeout=max(0.0, until - time.monotonic())):
        raise Failed(Code.DEADLINE_EXCEEDED, "another domain took all the time that there was")
    try:
        given = len(vmi).to_bytes(_SIZE, "big") + vmi + domain
        done = subprocess.run(  # noqa: S603 - a command of our own
            _COMMAND, input=given, stdout=subprocess.PIPE, timeout=max(0.0, until - time.monotonic()), check=False
        )
    except subprocess.TimeoutExpired:
        raise Failed(Code.DEADLINE_EXCEEDED, "the domain was not restated in time") from None
    finally:
        _alone.release()
    if done.returncode in _CODES:
        raise Failed(_CODES[done.returncode], done.stdout.decode(errors="replace").strip())
    if done.returncode:
        raise Failed(Code.INTERNAL, f"the domain was not restated (exit code {done.returncode}); the log says why")
    return done.stdout


def main() -> int:
    """Restate what comes in on standard input; the exit code."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    import orjson

    from webhook.findings import Refused
    from webhook.kubevirt.hook import restate as restated

    given = sys.stdin.buffer.read()
    end = _SIZE + int.from_bytes(given[:_SIZE], "big")
    try:
        vmi = orjson.loads(given[_SIZE:end])
        domain = given[end:].decode()
    except ValueError as error:
        print(f"the VMI or the domain is malformed: {error}")
        return MALFORMED
    if type(vmi) is not dict:
        print("the VMI is no object")
        return MALFORMED
    try:
        made = restated(vmi, domain)
    except Refused as refused:
        print("\n".join(map(str, refused.findings)))
        return FINDINGS
    sys.stdout.buffer.write(made.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
