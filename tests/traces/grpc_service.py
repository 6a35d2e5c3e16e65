"""A collector that speaks gRPC, and answers as a test wants."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc  # type: ignore[import-untyped]  # grpcio has no types
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

Act = Callable[[Any], bytes]


class Service:
    """Answers requests by a script, then with a yes."""

    def __init__(self, credentials: Any = None) -> None:
        self.script: list[Act] = []
        self.batches: list[int] = []
        self.names: list[str] = []
        self.instances: set[str] = set()
        self.metadata: dict[str, str] = {}
        self._server = grpc.server(ThreadPoolExecutor(2))
        method = grpc.unary_unary_rpc_method_handler(self._export)
        name = "opentelemetry.proto.collector.trace.v1.TraceService"
        handlers = grpc.method_handlers_generic_handler(name, {"Export": method})
        self._server.add_generic_rpc_handlers((handlers,))
        if credentials is None:
            self.port = self._server.add_insecure_port("127.0.0.1:0")
        else:
            self.port = self._server.add_secure_port("127.0.0.1:0", credentials)
        self._server.start()

    def _export(self, body: bytes, context: Any) -> bytes:
        request = ExportTraceServiceRequest.FromString(body)
        self.metadata = {one.key: one.value for one in context.invocation_metadata()}
        scopes = [scope for group in request.resource_spans for scope in group.scope_spans]
        self.names += [span.name for scope in scopes for span in scope.spans]
        known = [one for group in request.resource_spans for one in group.resource.attributes]
        self.instances |= {one.value.string_value for one in known if one.key == "service.instance.id"}
        self.batches.append(sum(len(scope.spans) for scope in scopes))
        return self.script.pop(0)(context) if self.script else b""

    def stop(self) -> None:
        self._server.stop(None).wait(30)
