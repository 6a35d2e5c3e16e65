"""A worker without a web server: a parent forks children that send mails, and serves the metrics of them all.

``OBSERVEKIT_OPS_PORT=9000 python worker.py SPOOL``, where SPOOL is a folder with one file for each mail.
"""

import os
import signal
import sys
import time
from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram

from observekit import get_logger, setup

CHILDREN = 3

SENT = Counter("mails_sent", "Mails sent.", ["kind"])
SECONDS = Histogram("mail_seconds", "Time it took to send a mail.")
BUSY = Gauge("mailer_busy_children", "Children that are sending.", multiprocess_mode="livesum")

log = get_logger()


class Mailer:
    """The loop of the parent and that of each child; SIGTERM ends either after what it is at."""

    def __init__(self, spool: Path) -> None:
        self.spool = spool
        self.stopping = False
        self.children: set[int] = set()
        signal.signal(signal.SIGTERM, self.stop)

    def stop(self, *_: object) -> None:
        """Let the loop end after what it is at."""
        self.stopping = True

    def supervise(self) -> None:
        """Keep the children alive, and end them in order."""
        while not self.stopping:
            for _ in range(CHILDREN - len(self.children)):
                self.children.add(self.start_child())
            time.sleep(0.05)
            self.bury_dead_children()
        for child in self.children:
            os.kill(child, signal.SIGTERM)
            os.waitpid(child, 0)

    def start_child(self) -> int:
        """Return the pid of a child that works."""
        child = os.fork()
        if child == 0:
            self.work()
            sys.exit()
        return child

    def bury_dead_children(self) -> None:
        """Forget children that have ended, however they did."""
        for child in list(self.children):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                self.children.discard(child)
                log.warning("child.ended", child=child, code=os.waitstatus_to_exitcode(status))

    def work(self) -> None:
        """Send what there is to send."""
        while not self.stopping:
            mail = self.claim()
            if mail is None:
                time.sleep(0.02)
                continue
            with BUSY.track_inprogress(), SECONDS.time():
                self.send(mail)

    def claim(self) -> Path | None:
        """Take a mail that no other child has: only one of them can rename it."""
        for mail in self.spool.glob("*.mail"):
            try:
                return mail.rename(mail.with_suffix(f".{os.getpid()}"))
            except FileNotFoundError:
                continue
        return None

    def send(self, mail: Path) -> None:
        """Send a mail, and count it."""
        kind = mail.stem.partition("-")[0]
        time.sleep(0.01)  # A real one would speak to a mail server here.
        mail.unlink()
        SENT.labels(kind).inc()
        log.info("mail.sent", kind=kind)


if __name__ == "__main__":
    setup(service_name="mailer")
    Mailer(Path(sys.argv[1])).supervise()
