"""Workers that give up root, as gunicorn's do with --preload --user, and their parent, who does not."""

import json
import os
from pathlib import Path

import pytest

from tests.workers.fleet import PROGRAM, free_port, script

pytestmark = [
    pytest.mark.once,
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody"),
]

CHILDREN = """
import signal, urllib.error
NOBODY = 65534
stay, end = os.pipe()

def child(name, early=False):
    pid = os.fork()
    if not pid:
        os.close(end)
        if early:
            work("as root")
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        work(name)
        os.read(stay, 1)
        os._exit(0)
    return pid

def shown(port):
    try:
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    except urllib.error.URLError:  # Nobody has the port, or there is no page yet.
        return []
    names = "jobs_total", "observekit_degraded{"
    return sorted(line for line in text.splitlines() if line.startswith(names))

def of(*names):
    jobs = [f'jobs_total{{by="{name}"}} 2.0' for name in names]
    return [*jobs, 'observekit_degraded{component="workers"} 0.0']
"""


def test_workers_that_give_up_root_and_their_parent_are_one_service(home: Path) -> None:
    home.chmod(0o755)
    found = json.loads(
        script(
            PROGRAM
            + CHILDREN
            + """
os.umask(0o077)
port = int(sys.argv[1])
kit = setup(ops_port=port)
work("parent")
children = [child("first", early=True), child("second")]
until(lambda: shown(port) == of("as root", "first", "parent", "second"))
children.append(child("third"))  # After the directory was handed over.
everybody = of("as root", "first", "parent", "second", "third")
until(lambda: shown(port) == everybody)
kit.ops.stop(5.0)
kit.ops.port = 1  # One of the children has it from now on.
until(lambda: shown(port) == everybody)
kit.ops.port = None
os.kill(children[0], signal.SIGKILL)
assert os.waitpid(children[0], 0)
os.close(end)
for pid in children[1:]:
    assert reaped(pid) == 0
until(lambda: kit.ops_port and shown(port) == everybody)
print(json.dumps([kit.ops_port is not None, len(told(kit, "process_open_fds"))]))
""",
            home,
            str(free_port()),
        )
    )

    assert found == [True, 1]
    assert [path.name for path in home.iterdir() if path.name.startswith("observekit-")] == []


def test_a_service_that_gives_up_root_before_it_has_workers_shares_with_them(home: Path) -> None:
    home.chmod(0o777)
    found = json.loads(
        script(
            PROGRAM
            + """
kit = setup(ops_port=0)
page(kit)  # What nobody may not read is imported by now.
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
work("parent")
child = os.fork()
if not child:
    work("child")
    os._exit(0)
assert reaped(child) == 0
print(json.dumps(sorted(told(kit, "jobs_total", "observekit_degraded"))))
""",
            home,
        )
    )

    assert found == [
        'jobs_total{by="child"} 2.0',
        'jobs_total{by="parent"} 2.0',
        'observekit_degraded{component="workers"} 0.0',
    ]
