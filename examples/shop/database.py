"""SQLite, embedded: one file that lives as long as its service."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


class Database:
    """A database made from *schema* when the service starts, and removed when it ends."""

    def __init__(self, schema: str) -> None:
        self._schema = schema
        self._path = Path()

    @asynccontextmanager
    async def lifespan(self, _: object) -> AsyncIterator[None]:
        """Be there while the application runs."""
        with TemporaryDirectory(prefix="shop-") as directory:
            self._path = Path(directory) / "shop.db"
            with self.connect() as connection:
                connection.executescript(self._schema)
            yield

    @contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        """Open a connection for one use, because endpoints run in threads; commit unless it raises."""
        with closing(sqlite3.connect(self._path, timeout=2)) as connection, connection:
            connection.row_factory = sqlite3.Row
            yield connection

    def check(self) -> None:
        """Raise unless the database answers."""
        with self.connect() as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
