"""The servers: how each of them is started from its Debian package."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.real_servers.programs import (
    LOOPBACK,
    PATIENCE_SECONDS,
    Server,
    becomes,
    free_port,
    home_of,
    program,
    says,
    served,
)

_POSTGRES = [str(place) for place in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]


@contextmanager
def postgres() -> Iterator[Server]:
    """Run PostgreSQL with a superuser ``postgres`` who needs no password."""
    binary, port = program("postgres", *_POSTGRES), free_port()
    ready = program("pg_isready", *_POSTGRES)
    with home_of("postgres") as home:
        who = becomes("postgres")
        data = home / "data"
        subprocess.run(
            [program("initdb", *_POSTGRES), "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync"],
            check=True,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            cwd=home,
            user=who,
            group=who,
            extra_groups=None if who is None else [],
        )
        # Nothing of it is to be kept, so nothing has to reach the disk.
        options = {"listen_addresses": LOOPBACK, "unix_socket_directories": "", "fsync": "off", "port": port}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]

        def answers() -> bool:
            return subprocess.run([ready, "-q", "-h", LOOPBACK, "-p", str(port)], check=False).returncode == 0

        command = [binary, "-D", str(data), *settings]
        with served(Server("postgres", command, port, home, answers, user="postgres")) as server:
            yield server


@contextmanager
def redis() -> Iterator[Server]:
    """Run redis, which keeps nothing."""
    port = free_port()
    with home_of(None) as home:
        command = [program("redis-server"), "--bind", LOOPBACK, "--port", str(port), "--save", ""]
        with served(
            Server("redis", command, port, home, lambda: says(port, b"PING\r\n", b"+PONG"))
        ) as server:
            yield server


@contextmanager
def nats() -> Iterator[Server]:
    """Run NATS."""
    port = free_port()
    with home_of(None) as home:
        command = [program("nats-server"), "-a", LOOPBACK, "-p", str(port)]
        with served(Server("nats", command, port, home, lambda: says(port, b"", b"INFO"))) as server:
            yield server


@contextmanager
def rabbitmq() -> Iterator[Server]:
    """Run RabbitMQ, which takes ``guest:guest`` from loopback, beside a name server of its own."""
    port, names = free_port(), free_port()
    binary = program("rabbitmq-server", "/usr/lib/rabbitmq/bin")
    with home_of("rabbitmq") as home:
        (home / "plugins").write_text("[].\n")
        environ = {
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_EPMD_PORT": str(names),
            "RABBITMQ_NODENAME": f"tests{port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(home / "none"),
            # It would bind its other ports to all addresses, and spin while it waits.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none",
        }
        # As a child of ours: Erlang would start one that outlives everybody.
        epmd = [program("epmd"), "-port", str(names)]
        known = Server("epmd", epmd, names, home, lambda: _knows_names(names), environ, "rabbitmq")
        server = Server("rabbitmq", [binary], port, home, lambda: _greets(port), environ, "rabbitmq")
        with served(known), served(server):
            yield server


def _knows_names(port: int) -> bool:
    """Whether Erlang's name server answers; ``n`` asks for all names."""
    return says(port, b"\x00\x01n", port.to_bytes(4, "big"))


def _greets(port: int) -> bool:
    """Whether a broker of AMQP 0-9-1 answers."""
    return says(port, b"AMQP\x00\x00\x09\x01", b"\x01\x00\x00")
