"""One process with an ops port: it serves its page, and says what that took."""

import json
import sys
import threading
import urllib.request

from prometheus_client import Counter, values

before = values.ValueClass

from observekit import setup  # noqa: E402 -- what was before is seen first

kit = setup(ops_port=0, logs="off")
acts = Counter("alone_acts", "Acts.")
acts.inc()
url = f"http://127.0.0.1:{kit.ops_port}/metrics"
pages = [urllib.request.urlopen(url, timeout=10).read().decode() for _ in range(3)]
told = {
    "counted": ["alone_acts_total 1.0" in page for page in pages],
    "threads": sorted(thread.name for thread in threading.enumerate()),
    "patched": values.ValueClass is not before or type(acts._value) is not before,
    "multiprocessing": "multiprocessing" in sys.modules,
    "mmap": "mmap" in sys.modules,
}
print(json.dumps(told))
