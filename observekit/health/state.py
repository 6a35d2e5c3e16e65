"""What each probe comes to: life cycle, start-up, checks and event loop together."""

from dataclasses import dataclass
from typing import Final, Literal

from observekit.health.check import OWN_PREFIX, Check, Probe, Result
from observekit.health.engine import Answer, Engine
from observekit.health.heartbeat import Heartbeat
from observekit.health.lifecycle import Lifecycle
from observekit.health.tasks import StartupTask

EVENT_LOOP: Final = f"{OWN_PREFIX}event_loop"
"""The name of our own check of the event loop; there is one where there is an ops port."""

_NOBODY: Final = Answer()
Word = Literal["ok", "failed", "starting", "ready", "draining", "stopped", "broken", "maintenance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a probe comes to: one word, and what led to it; ``ok`` alone is a yes.

    ``unknown`` are names that were to be left out and are none, ``left_out`` those that were; ``note`` is
    what else there is to say.
    """

    word: Word
    answer: Answer = _NOBODY
    tasks: tuple[StartupTask, ...] = ()
    left_out: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    note: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether the answer is yes."""
        return self.word == "ok"


class Health:
    """Answers for all ports alike.

    The rules of empty sets: a probe without checks is ``ok`` where the life cycle lets it be, also where all
    its checks are left out; a life cycle that is not ``ready`` makes readiness fail whatever is left out.
    """

    __slots__ = ("_started_in", "engine", "heartbeat", "lifecycle")

    def __init__(self, lifecycle: Lifecycle, engine: Engine, heartbeat: Heartbeat | None = None) -> None:
        self.lifecycle = lifecycle
        self.engine = engine
        self.heartbeat = heartbeat
        self._started_in = -1
        engine.startup_over = self.is_started

    def is_started(self) -> bool:
        """Whether the start-up checks of this life have passed."""
        return self._started_in == self.lifecycle.life

    async def liveness(self, leave_out: frozenset[str]) -> Verdict:
        """Say whether this process should go on; what it depends on is not asked."""
        answer = await self.engine.ask("liveness", leave_out=leave_out)
        if self.lifecycle.state == "broken":
            return self._verdict("broken", answer, leave_out, "liveness")
        return self._judged(answer, leave_out, "liveness")

    async def readiness(self, leave_out: frozenset[str]) -> Verdict:
        """Say whether this instance should get traffic; only a ready process asks its checks.

        Until the start-up checks have passed it is not ready, and both kinds are asked at once.
        """
        if (word := self._unready()) is not None:
            return self._verdict(word, _NOBODY, leave_out, "readiness", "startup")
        starting = not self.is_started()
        probes: tuple[Probe, ...] = ("startup", "readiness") if starting else ("readiness",)
        answer = await self.engine.ask(*probes, leave_out=leave_out)
        word = self._unready()  # A drain may have begun while the checks ran.
        if word is None and starting and not self._note_start(answer, leave_out):
            word = "starting"
        if word is not None:
            return self._verdict(word, answer, leave_out, *probes)
        return self._judged(answer, leave_out, *probes)

    async def startup(self, leave_out: frozenset[str]) -> Verdict:
        """Say whether starting is over; once yes, always yes in this life."""
        state = self.lifecycle.state
        if state in {"starting", "broken"}:
            return self._verdict(state, _NOBODY, leave_out, "startup")
        if self.is_started():
            return self._verdict("ok", _NOBODY, leave_out, "startup")
        answer = await self.engine.ask("startup", leave_out=leave_out)
        word: Word = "ok" if self._note_start(answer, leave_out) else "failed"
        if word == "failed" and answer.passed("startup") and self.lifecycle.tasks.are_at_work():
            word = "starting"
        return self._verdict(word, answer, leave_out, "startup")

    async def alone(self, check: Check) -> Verdict:
        """Say what one check says, however much it matters."""
        others = frozenset(self.engine.names(check.probe)) - {check.name}
        answer = await self.engine.ask(check.probe, leave_out=others)
        passed = all(result.status == "ok" for _, result in answer.results)
        return Verdict(word="ok" if passed else "failed", answer=answer)

    def readings(self) -> list[tuple[tuple[str, str, str], float]]:
        """Return what all checks say, that of the event loop among them where there is a loop to look at."""
        found = list(self.engine.readings())
        if self.heartbeat is not None and self.heartbeat.is_known():
            liveness, readiness = self.heartbeat.fails("liveness"), self.heartbeat.fails("readiness")
            found.append(((EVENT_LOOP, "liveness", "required"), 0.0 if liveness else 1.0))
            found.append(((EVENT_LOOP, "readiness", "required"), 0.0 if readiness else 1.0))
        return found

    def _unready(self) -> Word | None:
        state = self.lifecycle.state
        if state != "ready":
            return state
        if self.lifecycle.in_maintenance:
            return "maintenance"
        return None if self.lifecycle.tasks.are_done() else "starting"

    def _note_start(self, answer: Answer, leave_out: frozenset[str]) -> bool:
        """Say whether starting is over as *answer* has it, and keep that in mind for everybody.

        Who leaves checks out is answered without them; nobody else is.
        """
        passed = self.lifecycle.tasks.are_done() and answer.passed("startup")
        if passed and leave_out.isdisjoint(self.engine.names("startup")):
            self._started_in = self.lifecycle.life
        return passed

    def _judged(self, answer: Answer, leave_out: frozenset[str], *probes: Probe) -> Verdict:
        probe = probes[-1]
        stuck = self._stuck(probe) if EVENT_LOOP not in leave_out else None
        if stuck is not None:
            answer = Answer((*answer.results, stuck))
        return self._verdict("ok" if answer.passed(probe) else "failed", answer, leave_out, *probes)

    def _stuck(self, probe: Probe) -> tuple[Check, Result] | None:
        """Return what our own check says where the event loop is stuck, and who holds it if that is known."""
        heartbeat = self.heartbeat
        if heartbeat is None or probe == "startup" or not heartbeat.fails(probe):
            return None
        seconds = heartbeat.silent_seconds()
        holder = self.engine.blocker()
        held = "" if holder is None else f", and check {holder!r} holds it"
        error = TimeoutError(f"the event loop has not turned for {seconds:.0f} s{held}")
        check = Check(
            name=EVENT_LOOP,
            probe=probe,
            criticality="required",
            function=heartbeat.is_known,
            timeout_seconds=seconds,
        )
        return check, Result("failed", seconds, error)

    def _verdict(self, word: Word, answer: Answer, leave_out: frozenset[str], *probes: Probe) -> Verdict:
        known = {*self.engine.names(*probes), EVENT_LOOP} if leave_out else set()
        tasks = self.lifecycle.tasks.all() if "startup" in probes else ()
        return Verdict(
            word=word,
            answer=answer,
            tasks=tasks,
            left_out=tuple(sorted(leave_out & known)),
            unknown=tuple(sorted(leave_out - known)),
        )
