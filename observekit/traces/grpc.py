"""OTLP over gRPC: the bytes that HTTP would carry, over a channel of grpcio's, in the same account.

Not through OpenTelemetry's exporter: it takes spans and not bytes, and tells nothing of its answers but yes
or no, so neither spans that were rejected nor those that are worth another try could be told from others.
"""

from collections.abc import Mapping
from time import monotonic
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import grpc  # type: ignore[import-untyped]  # grpcio has no types

from observekit.traces.protobuf import fields
from observekit.traces.replies import partial, read_response
from observekit.traces.tls import Certificates
from observekit.traces.verdict import Verdict

_METHOD: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
# Source: OTLP specification, OTLP/gRPC response, "Retryable" codes; RESOURCE_EXHAUSTED only where the server
# says when it will be better.
_AGAIN: Final = frozenset(
    {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
# Source: gRPC servers refuse a message over their limit so; tonic, which rotel is made with, by OUT_OF_RANGE.
_TOO_LARGE: Final = frozenset({grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.OUT_OF_RANGE})
# Source: gRPC over HTTP/2, HTTP to gRPC status mapping: what is no gRPC server says so, or nothing known.
_NO_COLLECTOR: Final = frozenset({grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.UNKNOWN})
_DETAILS: Final = "grpc-status-details-bin"
# Source: google/rpc/status.proto, google/protobuf/any.proto, google/rpc/error_details.proto (RetryInfo),
# google/protobuf/duration.proto.
_STATUS_DETAILS: Final = 3
_ANY_TYPE: Final = 1
_ANY_VALUE: Final = 2
_RETRY_INFO: Final = b"google.rpc.RetryInfo"
_RETRY_DELAY: Final = 1
_SECONDS: Final = 1
_LONGEST_SECONDS: Final = 300.0
_ANSWER_BYTES: Final = 64 * 1024
_WORDS: Final = 200


class Target(NamedTuple):
    """Where spans go over gRPC, and how.

    Attributes:
        url: Scheme, host and port; a path means nothing.
        headers: Sent with each request, as metadata.
        gzipped: Whether requests are compressed.
        certificates: What is trusted, and what is shown, where the URL says https.
    """

    url: str
    headers: Mapping[str, str]
    gzipped: bool
    certificates: Certificates


class GrpcTransport:
    """Sends requests over one channel, which is made when there is something to send; for one thread."""

    def __init__(self, target: Target, agent: str) -> None:
        self._target = target
        self._agent = agent
        self._metadata = [(name.lower(), value) for name, value in target.headers.items()]
        self._channel: Any = None
        self._call: Any = None
        self._interrupted = False

    def send(self, body: bytes, spans: int, deadline: float) -> Verdict:
        """Send a request for *spans* spans; what has not been answered by *deadline* did not arrive."""
        try:
            answer = self._export(body, deadline - monotonic()).result()
        except grpc.RpcError as error:
            return self._failed(error)
        except grpc.FutureCancelledError:
            return Verdict("again", "interrupted")
        except OSError as error:
            return Verdict("again", f"{type(error).__name__}: {error}"[:_WORDS])
        finally:
            self._call = None
        try:
            rejected, why = read_response(answer)
        except ValueError:
            return Verdict("no_collector", "gRPC with content that is no answer of OTLP")
        return partial(rejected, why, spans)

    def interrupt(self) -> None:
        """Have a request that is under way fail at once, and all later ones; for any thread."""
        self._interrupted = True
        call = self._call
        if call is not None:
            call.cancel()

    def close(self) -> None:
        """Close the channel."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def _failed(self, error: Any) -> Verdict:
        verdict = _failure(error)
        if error.code() is grpc.StatusCode.UNAVAILABLE:
            # The next channel reads certificates anew, which may have been renewed since; one that goes on
            # would show the old ones for ever.
            self.close()
        return verdict

    def _export(self, body: bytes, seconds: float) -> Any:
        if self._channel is None:
            self._channel = _channel(self._target, self._agent)
        method = self._channel.unary_unary(_METHOD)
        compression = grpc.Compression.Gzip if self._target.gzipped else grpc.Compression.NoCompression
        self._call = call = method.future(
            body, timeout=max(seconds, 0.0), metadata=self._metadata, compression=compression
        )
        if self._interrupted:
            call.cancel()
        return call


def _channel(target: Target, agent: str) -> Any:
    url = urlsplit(target.url)
    address = url.netloc.rpartition("@")[2]
    options = [
        ("grpc.primary_user_agent", agent),
        ("grpc.max_receive_message_length", _ANSWER_BYTES),
        # A proxy of the environment is for others: what is sent goes where it was told to.
        ("grpc.enable_http_proxy", 0),
    ]
    if url.scheme != "https":
        return grpc.insecure_channel(address, options)
    files = (_content(target.certificates.trusted), _content(target.certificates.key))
    credentials = grpc.ssl_channel_credentials(*files, _content(target.certificates.own))
    return grpc.secure_channel(address, credentials, options)


def _content(name: str | None) -> bytes | None:
    if name is None:
        return None
    with open(name, "rb") as file:  # noqa: PTH123 -- its error names the file
        return file.read()


def _failure(error: Any) -> Verdict:
    code, after = error.code(), _retry_delay(error.trailing_metadata())
    why = f"gRPC {code.name}: {error.details()}"[:_WORDS]
    if code in _AGAIN or (code is grpc.StatusCode.RESOURCE_EXHAUSTED and after is not None):
        return Verdict("again", why, after_seconds=after, answered=code is not grpc.StatusCode.UNAVAILABLE)
    if code in _TOO_LARGE:
        return Verdict("too_large", why)
    return Verdict("no_collector" if code in _NO_COLLECTOR else "rejected", why)


def _retry_delay(metadata: Any) -> float | None:
    """Return the seconds that a ``RetryInfo`` among the details of a status asks for."""
    details = [value for key, value in metadata or () if key == _DETAILS and isinstance(value, bytes)]
    try:
        for number, detail in fields(details[0] if details else b""):
            if number == _STATUS_DETAILS and isinstance(detail, bytes):
                told = dict(fields(detail))
                if bytes(told.get(_ANY_TYPE, b"")).endswith(_RETRY_INFO):
                    return _seconds(told.get(_ANY_VALUE, b""))
    except (ValueError, TypeError):
        return None
    return None


def _seconds(retry_info: int | bytes) -> float:
    delay = dict(fields(bytes(retry_info))).get(_RETRY_DELAY, b"")
    seconds = dict(fields(bytes(delay))).get(_SECONDS, 0)
    return min(float(seconds), _LONGEST_SECONDS) if isinstance(seconds, int) else 0.0
