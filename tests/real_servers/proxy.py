"""A TCP proxy whose way can be made slow, dead or closed while connections are open."""

import asyncio
import socket
from threading import Event, Thread
from typing import Literal, Self

from tests.real_servers.programs import LOOPBACK, PATIENCE_SECONDS

Mode = Literal["pass", "slow", "dead", "closed"]
"""``slow`` holds each piece up, ``dead`` takes everything and passes nothing on, ``closed`` refuses."""


class FaultProxy:
    """Passes connections to *target* on; ``mode`` can be changed at any time, from any thread."""

    def __init__(self, target: int, slow_seconds: float = 0.3) -> None:
        self.port = 0
        self.accepted = 0
        self._target = target
        self._slow_seconds = slow_seconds
        self._mode: Mode = "pass"
        self._loop = asyncio.SelectorEventLoop()
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, None] = {}
        self._thread = Thread(target=self._run, name="fault-proxy")
        self._passing = asyncio.Event()
        self._ready = Event()

    @property
    def mode(self) -> Mode:
        """How the way is now."""
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        asyncio.run_coroutine_threadsafe(self._become(mode), self._loop).result(PATIENCE_SECONDS)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(PATIENCE_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_SECONDS)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._become("pass"))
            self._ready.set()
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._end())
            self._loop.close()

    async def _become(self, mode: Mode) -> None:
        self._mode = mode
        if mode == "dead":
            self._passing.clear()
        else:
            self._passing.set()
        if mode == "closed":
            await self._close()
        elif self._server is None:
            self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._open):
            writer.transport.abort()

    async def _end(self) -> None:
        await self._close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        there = None
        try:
            back, there = await asyncio.open_connection(LOOPBACK, self._target, family=socket.AF_INET)
            self._open |= {writer: None, there: None}
            ways = self._carry(reader, there), self._carry(back, writer)
            await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            pass  # The target is not there; so are we.
        finally:
            for end in (writer, there):
                if end is not None:
                    self._open.pop(end, None)
                    end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(65536):
                if self._mode == "slow":
                    await asyncio.sleep(self._slow_seconds)
                await self._passing.wait()
                writer.write(piece)
                await writer.drain()
        finally:
            writer.close()
