"""Send 10,000 malformed requests to a server, simulate 200 hostile programs, and measure memory.

The client reads 200 hostile records as well. The seeded corpus is tests/support/hostile.py. Exits
with 1 if the server gave a 5xx, took longer than 5 s for a request, or kept more than 20 % more
memory.
"""

import contextlib
import http.client
import json
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
import hostile
import records

KEY = {"Authorization": "apiKey k-0123456789abcdef", "Content-Type": "application/json"}
LONGEST_S, MOST_MORE = 5.0, 1.2
OK, CREATED, ERROR = 200, 201, 500


class Server:
    """`ionq-fake serve` in a process of its own."""

    def __init__(self) -> None:
        command = [Path(sys.executable).with_name("ionq-fake"), "serve", "--port", "0"]
        options = ["--workers", "1", "--job-memory", "1", "--job-seconds", "20"]
        self.process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline() if self.process.stdout else ""
        self.port = int(re.findall(r":(\d+)/", line)[0])

    def ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes]:
        """Return the status and the body of a response; 0 if it could not be sent."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection), contextlib.suppress(ValueError):
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            return reply.status, reply.read()
        return 0, b""

    def mib(self) -> float:
        """Return its memory, without that of its workers."""
        return psutil.Process(self.process.pid).memory_info().rss / 2**20

    def reset(self) -> None:
        """Make the cloud as new."""
        self.ask("POST", "/_fake/reset", KEY, b"")


def requests(server: Server, numbers: range) -> tuple[Counter[int], float]:
    """Send requests by number; return their statuses and the seconds of the longest."""
    statuses, longest = Counter[int](), 0.0
    for number in numbers:
        method, path, headers, body = hostile.request(number)
        began = time.monotonic()
        status, _ = server.ask(method, path, headers, body)
        longest = max(longest, time.monotonic() - began)
        statuses[status] += 1
        if status >= ERROR:
            print("5xx at request", number, path[:100])
        server.ask("DELETE", "/_fake/faults", KEY, b"")
        server.ask("DELETE", "/_fake/transitions", KEY, b"")
    return statuses, longest


def programs(server: Server, numbers: range) -> Counter[str]:
    """Submit programs by number; return how they ended."""
    ends = Counter[str]()
    for number in numbers:
        job = {"type": "ionq.qasm3.v1", "backend": "simulator"}
        body = json.dumps({**job, "input": {"data": hostile.program(number)}}).encode()
        status, reply = server.ask("POST", "/v0.4/jobs", KEY, body)
        record = json.loads(reply)
        while status == CREATED and record["status"] not in {"completed", "failed"}:
            time.sleep(0.02)
            record = json.loads(server.ask("GET", f"/v0.4/jobs/{record['id']}", KEY, b"")[1])
        ends[(record.get("failure") or {}).get("code") or record.get("status") or str(status)] += 1
    return ends


def main() -> int:
    """Run all of it."""
    server = Server()
    try:
        requests(server, range(10_000, 20_000))  # so that all is loaded
        server.reset()
        before = server.mib()
        statuses, longest = requests(server, range(10_000))
        print("requests", dict(statuses), f"longest {longest:.2f} s")
        server.reset()
        after = server.mib()
        print(f"memory {before:.0f} MiB, then {after:.0f} MiB")
        ends = programs(server, range(200))
        print("programs", dict(ends))
        mine = psutil.Process().memory_info().rss
        print(
            "records", dict(Counter(end for number in range(200) for end in records.read(number)))
        )
        grown = (psutil.Process().memory_info().rss - mine) / 2**20
        print(f"memory of the client: {grown:.0f} MiB more, Qiskit included")
        alive = server.ask("GET", "/v0.4/health", {}, b"")[0] == OK
    finally:
        server.process.terminate()
        server.process.wait(30)
    broken = any(status >= ERROR for status in statuses) or longest > LONGEST_S
    return int(broken or after > MOST_MORE * before or not alive or "SimulationTimeout" in ends)


if __name__ == "__main__":
    sys.exit(main())
