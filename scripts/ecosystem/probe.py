"""Cases of a probe: each is a function that returns, or raises; one line of JSON for each."""

from __future__ import annotations

import json
import math
import sys
import traceback
import warnings
from typing import TYPE_CHECKING, Any

from qiskit import QuantumCircuit, transpile
from qiskit_aer import AerSimulator

from ionq_toolkit import InProcessTransport, IonQProvider
from ionq_toolkit_fake import FakeIonQ

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ionq_toolkit.backend import IonQBackend


def attempt(name: str, function: Callable[..., object], *arguments: Any) -> None:  # noqa: ANN401 - any
    """Run a case, and print its name with None, or with the error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            function(*arguments)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the result; some are no Exception
        trace = "".join(traceback.format_exception(error)[-4:])
        message = f"{type(error).__name__}: {error}\n{trace}"[:4000]
    else:
        message = None
    print(json.dumps({"test": name, "message": message}), flush=True)


def done() -> None:
    """Say that the last case has run."""
    print("done", flush=True)
    sys.stdout.flush()


def near(found: float, expected: float, tolerance: float) -> None:
    """Raise if a number is farther from the expected one than the tolerance."""
    if not abs(found - expected) <= tolerance:
        raise AssertionError(f"{found} is not {expected} within {tolerance}")


def total_variation(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    """Return half the sum of the differences of the frequencies of two counts."""
    a, b = sum(one.values()), sum(other.values())
    return sum(abs(one.get(k, 0) / a - other.get(k, 0) / b) for k in {*one, *other}) / 2


def seeded() -> IonQProvider:
    """Return a provider on a fake of its own, both with a seed."""
    return IonQProvider(transport=InProcessTransport(FakeIonQ(seed=7)), seed=7)


def same_as_aer(circuit: QuantumCircuit, backend: IonQBackend, shots: int = 20_000) -> None:
    """Run a circuit on the backend and on bare Aer, and raise if the counts differ by more than chance.

    The expected total variation of two samples over K outcomes is about sqrt(K / (pi * shots)).
    """
    bare = AerSimulator(seed_simulator=7)
    expected = (
        bare.run(transpile(circuit, bare, optimization_level=0), shots=shots).result().get_counts()
    )
    sent = transpile(circuit, backend, optimization_level=1, seed_transpiler=7)
    found = backend.run(sent, shots=shots).result().get_counts()
    allowed = 0.01 + 1.5 * math.sqrt(len({*expected, *found}) / (math.pi * shots))
    distance = total_variation(expected, found)
    if distance > allowed:
        raise AssertionError(
            f"The total variation from bare Aer is {distance:.3f}, over {allowed:.3f}."
        )
