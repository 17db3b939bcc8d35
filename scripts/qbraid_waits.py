"""Check that qBraid's client waits an hour in the queue at once, without a key.

qBraid has many requirements, so it is no part of the extra `dev`: `pip install qbraid` first.
"""

import os
import time

from qbraid.runtime.ionq import IonQProvider

from ionq_toolkit_fake import Transitions, after, mock_ionq

HOUR_S, SHOTS = 3600, 100
BELL = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; h q[0]; cx q[0], q[1];'


@mock_ionq(transitions=Transitions(started=after(seconds=HOUR_S)))
def main() -> None:
    """Run a Bell pair by qBraid, and print how long its wait took."""
    began, clock = time.perf_counter(), time.monotonic()
    job = IonQProvider().get_device("simulator").run(BELL, shots=SHOTS)
    counts = job.result().data.get_counts()
    took_s, waited_s = time.perf_counter() - began, time.monotonic() - clock
    if set(counts) != {"00", "11"} or sum(counts.values()) != SHOTS or waited_s < HOUR_S:
        raise SystemExit(f"qBraid: {counts} after {waited_s:.0f} s on the cloud's clock")
    print(f"qBraid: {counts} after {waited_s:.0f} s on the cloud's clock, in {took_s:.2f} s")


if __name__ == "__main__":
    for name in [name for name in os.environ if "IONQ" in name]:
        del os.environ[name]
    main()
