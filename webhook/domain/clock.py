"""Clock and timers (libvirt: formatdomain, "Time keeping")."""

from typing import Annotated

from webhook.declare import Element, choice, frontend, integer, text
from webhook.domain.types import Flag, Word


class Catchup(Element, tag="catchup"):
    """How fast a timer that is behind catches up."""

    threshold: Word | None = frontend()
    slew: Word | None = frontend()
    limit: Word | None = frontend()


class Timer(Element, tag="timer", key="timer"):
    """One timer: whether the guest has it, and what happens to ticks that were missed."""

    timer: (
        Annotated[str, choice("platform", "hpet", "kvmclock", "pit", "rtc", "tsc", "hypervclock", "armvtimer")] | None
    ) = frontend("@name")
    present: Flag | None = frontend()
    tick_policy: Annotated[str, choice("delay", "catchup", "merge", "discard")] | None = frontend("@tickpolicy")
    track: Annotated[str, choice("boot", "guest", "wall", "realtime")] | None = frontend()
    mode: Annotated[str, choice("auto", "native", "emulate", "paravirt", "smpsafe")] | None = frontend()
    frequency: Annotated[int, integer(1, 2**63 - 1)] | None = frontend()
    catchup: Catchup | None = frontend()


class ClockOffset(Element, tag="clock"):
    """What the guest's real-time clock shows at boot. `adjustment` is in seconds from `basis`."""

    offset: Annotated[str, choice("utc", "localtime", "timezone", "variable", "absolute")] | None = frontend()
    basis: Annotated[str, choice("utc", "localtime")] | None = frontend()
    adjustment: Annotated[int, integer(-(2**31), 2**31 - 1)] | None = frontend()
    timezone: Annotated[str, text(64, "[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", "a time zone's name")] | None = frontend()
    start: Annotated[int, integer(0, 2**62)] | None = frontend()
