"""kit.messages: what is sent to a broker, and what is made of it at the other end."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from opentelemetry.trace import INVALID_SPAN, Link, Span, SpanKind, get_current_span
from opentelemetry.util.types import AttributeValue

from observekit.catalogue.events import MESSAGE
from observekit.operations.context import ContextTools
from observekit.operations.run import LEVELS, Ended, Run, Work
from observekit.operations.signals import Signals, attributes_of
from observekit.semconv import (
    MESSAGING_BATCH_COUNT,
    MESSAGING_DESTINATION_NAME,
    MESSAGING_MESSAGE_ID,
    MESSAGING_OPERATION_NAME,
    MESSAGING_OPERATION_TYPE,
    MESSAGING_SYSTEM,
    label,
)

# A trace that goes on after an hour is one that nobody has open any more, and collectors have let go of it.
_CONTINUED_SECONDS: Final = 3600.0
# Source: OpenTelemetry SDK specification, links a span.
_LINKS: Final = 128
_LOGGER: Final = "observekit.messages"
_OWN_FIELDS: Final = frozenset(MESSAGE.fields)
_REDELIVERED: Final = "messaging.message.redelivered"


class Messages:
    """Observes messages of any broker: one is a child of what sent it, a batch has links to all senders.

    Args:
        context: Reads and writes headers.
        signals: What is told, while there is somebody to tell.
    """

    def __init__(self, context: ContextTools, signals: Callable[[], Signals | None]) -> None:
        self._context = context
        self._signals = signals

    @contextmanager
    def publish(self, system: str, destination: str) -> Iterator[dict[str, str]]:
        """Send a message within the block; yields the headers that it has to take along.

        Args:
            system: The broker, as OpenTelemetry spells it: ``kafka``, ``rabbitmq``, ``redis``, ``nats``.
            destination: Queue, topic or stream; a name of few, as it is a label.
        """
        facts = _facts(system, destination, "send", "send")
        run = self._begin(Work(f"send {destination}", SpanKind.PRODUCER, facts))
        if run is None:
            yield self._context.inject({})
            return
        try:
            with run.current():
                yield self._context.inject({})
        except BaseException as error:
            run.finish(error)
            raise
        run.finish(None)

    @contextmanager
    def process(  # noqa: PLR0913 -- facts of a message, all but three by name
        self,
        system: str,
        destination: str,
        headers: object,
        *,
        message_id: str | None = None,
        trusted: bool = True,
        age_seconds: float = 0.0,
        redelivered: bool = False,
        fields: Mapping[str, object] | None = None,
    ) -> Iterator[Span]:
        """Process one message within the block, as a child of what sent it.

        A message that is delivered again is one more child: the trace stays one.

        Args:
            system: As for publish().
            destination: As for publish().
            headers: Those of the message, as its client has them; ``None`` where there are none.
            message_id: Its id, for the span and the event.
            trusted: Whether its sender is; otherwise its trace is linked and not continued.
            age_seconds: How long ago it was sent; after an hour its trace is linked too.
            redelivered: Whether it was delivered before, for the span and the event.
            fields: For the span and the event.
        """
        facts = _facts(system, destination, "process", "process")
        more: dict[str, object] = dict(fields or {})
        if message_id is not None:
            more[MESSAGING_MESSAGE_ID] = message_id
        if redelivered:
            more[_REDELIVERED] = True
        continued = trusted and age_seconds <= _CONTINUED_SECONDS
        links = [] if continued else self._links([headers])
        context = self._context.extract(headers, trusted=continued)
        work = Work(f"process {destination}", SpanKind.CONSUMER, facts, context, links)
        with self._processing(work, more, 1) as span:
            yield span

    @contextmanager
    def process_batch(
        self,
        system: str,
        destination: str,
        headers: Sequence[object],
        *,
        fields: Mapping[str, object] | None = None,
    ) -> Iterator[Span]:
        """Process several messages within the block: a new trace, with links to those that sent them.

        Args:
            system: As for publish().
            destination: As for publish().
            headers: Those of each message; the first 128 are linked.
            fields: For the span and the event.
        """
        facts = {**_facts(system, destination, "process", "process"), MESSAGING_BATCH_COUNT: len(headers)}
        context = self._context.extract(None)
        links = self._links(headers[:_LINKS])
        work = Work(f"process {destination}", SpanKind.CONSUMER, facts, context, links)
        with self._processing(work, dict(fields or {}), len(headers)) as span:
            yield span

    @contextmanager
    def _processing(self, work: Work, fields: dict[str, object], messages: int) -> Iterator[Span]:
        run = self._begin(work, fields)
        if run is None:
            yield INVALID_SPAN
            return
        try:
            with run.current():
                yield run.span
        except BaseException as error:
            self._end(run, work, fields, messages, error)
            raise
        self._end(run, work, fields, messages, None)

    def _begin(self, work: Work, fields: Mapping[str, object] | None = None) -> Run | None:
        signals = self._signals()
        if signals is None:
            return None
        try:
            attributes = {**attributes_of(fields or {}, signals.text_length), **work.attributes}
            return Run(signals, work._replace(attributes=attributes))
        except Exception as error:  # noqa: BLE001 -- samplers and processors are the user's
            signals.failed(error)
            return None

    def _end(
        self,
        run: Run,
        work: Work,
        fields: dict[str, object],
        messages: int,
        error: BaseException | None,
    ) -> None:
        ended = run.finish(error)
        signals = self._signals()
        if signals is None:
            return
        try:
            _count(signals, work, messages, ended)
            _tell(signals, work, {**fields, **run.fields}, messages, ended, error)
        except Exception as failure:  # noqa: BLE001 -- the message is processed, and that is what counts
            signals.failed(failure)

    def _links(self, headers: Sequence[object]) -> list[Link]:
        contexts = (get_current_span(self._context.extract(one)).get_span_context() for one in headers)
        return [Link(context) for context in contexts if context.is_valid]


def _facts(system: str, destination: str, name: str, kind: str) -> dict[str, AttributeValue]:
    return {
        MESSAGING_SYSTEM: system,
        MESSAGING_DESTINATION_NAME: destination,
        MESSAGING_OPERATION_NAME: name,
        MESSAGING_OPERATION_TYPE: kind,
    }


def _count(signals: Signals, work: Work, messages: int, ended: Ended) -> None:
    if signals.metrics is None:
        return
    wrong = "cancelled" if ended.outcome == "cancelled" else ended.error_type or ""
    where = _where(work)
    signals.metrics.messages.cell(*where, wrong).observe(ended.seconds, ended.trace)
    signals.metrics.consumed.cell(*where, wrong).add(messages)


def _tell(
    signals: Signals,
    work: Work,
    fields: Mapping[str, object],
    messages: int,
    ended: Ended,
    error: BaseException | None,
) -> None:
    if signals.pipeline is None:
        return
    system, destination = _where(work)
    facts: dict[str, object] = {
        label(MESSAGING_SYSTEM): system,
        label(MESSAGING_DESTINATION_NAME): destination,
        "messages": messages,
        "outcome": ended.outcome,
        "duration_seconds": round(ended.seconds, 6),
    }
    named = {label(name): value for name, value in fields.items()}
    facts |= {f"{name}_" if name in _OWN_FIELDS else name: value for name, value in named.items()}
    shown = error if ended.outcome == "error" else None
    level = LEVELS[ended.outcome]
    signals.pipeline.emit(level, MESSAGE.name, facts, logger=_LOGGER, ids=ended.ids, error=shown)


def _where(work: Work) -> tuple[str, str]:
    return str(work.attributes[MESSAGING_SYSTEM]), str(work.attributes[MESSAGING_DESTINATION_NAME])
