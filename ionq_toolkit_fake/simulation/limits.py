"""The limits of a simulation: memory and time."""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import signal
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import psutil

from ionq_toolkit_fake.simulation.outcome import SimulationFailure

#: Whether the system has limits of processes: Windows has not.
_LIMITED = find_spec("resource") is not None
if _LIMITED:
    import resource

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from qiskit import QuantumCircuit

    from ionq_toolkit_fake.simulation.program import Noise, Qpu


#: https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
_PR_SET_PDEATHSIG = 1

#: A state of fewer qubits takes less than 100 MiB.
_ALWAYS_FITS = 22

#: The memory of an exact simulation for each of 2^n amplitudes: 16 bytes for itself, and 8 for its
#: probability, once in Aer and once handed over.
_BYTES_PER_AMPLITUDE = 28


class _Share:
    """The part of the memory that this process may use, in GiB."""

    gibibytes = math.inf


def share(workers: int) -> float:
    """Return the share of each worker in the memory that is free now, in GiB."""
    return psutil.virtual_memory().available / workers / 2**30


#: Memory that a worker may take beyond its share: for Qiskit and Aer, and what surrounds a state.
_BESIDES_GIB = 2.0

#: The longest that a worker computes for one call, on each of its processors: an estimate of an
#: hour (`MOST_UPDATES`) may be too small.
MOST_SECONDS = 2 * 3600.0


def keep_to(gibibytes: float) -> None:
    """Limit the memory of this process: by estimates before a simulation, and by the system."""
    _Share.gibibytes = gibibytes
    if not _LIMITED:
        return
    # Linux counts as data what can be written, and not what is only reserved.
    kind = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
    _lower(kind, int((gibibytes + _BESIDES_GIB) * 2**30))
    _lower(resource.RLIMIT_CORE, 0)


def keep_call_to(seconds: float, processors: int) -> None:
    """Let the system end this process if its next call computes for longer than that."""
    if _LIMITED:
        used = resource.getrusage(resource.RUSAGE_SELF)
        until = used.ru_utime + used.ru_stime + seconds * processors
        _lower(resource.RLIMIT_CPU, math.ceil(until) + 1)


def reason_of_end(exit_code: int | None, seconds: float) -> SimulationFailure | None:
    """Return the failure of a call whose process was ended by a limit, or None."""
    if not _LIMITED or exit_code != -signal.SIGXCPU:
        return None
    return SimulationFailure(
        "SimulationTimeout",
        f"a simulation may compute for {seconds:g} s on each of its processors: "
        "ProcessExecutor(seconds=...) or ionq-fake serve --job-seconds allow more",
    )


def out_of_memory() -> SimulationFailure:
    """Return the failure of a call that took more memory than there is for it."""
    return SimulationFailure(
        "SimulationError",
        f"it takes more memory than there is for it (each worker may take "
        f"{_Share.gibibytes:.1f} GiB): fewer qubits, fewer gates, or fewer workers, more each",
    )


def _lower(kind: int, most: int) -> None:
    """Set a soft limit of this process, below the hard one that the system has."""
    if not _LIMITED:
        return
    hard = resource.getrlimit(kind)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    with contextlib.suppress(OSError, ValueError, OverflowError):  # a system without this limit
        resource.setrlimit(kind, (most, hard))


def end_with(parent: int) -> None:
    """Have the system kill this process when the thread that started it ends, on Linux."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it has ended already
            os._exit(1)


def _check_memory(num_qubits: int, *, mixed: bool = False) -> None:
    """Refuse a state, or a density matrix, before the system kills a process for its memory."""
    doublings = 2 * num_qubits if mixed else num_qubits
    if doublings < _ALWAYS_FITS:
        return
    needed = 2**doublings * _BYTES_PER_AMPLITUDE / 2**30
    needs = f"a state of {num_qubits} qubits needs {needed:.1f} GiB of memory"
    free = psutil.virtual_memory().available / 2**30
    if needed > free:
        raise SimulationFailure("SimulationError", f"{needs}; {free:.1f} GiB are free")
    if needed > _Share.gibibytes:
        raise SimulationFailure(
            "SimulationError",
            f"{needs}; each worker may take {_Share.gibibytes:.1f} GiB: fewer workers, more each",
        )


#: The most work of one simulation, in amplitudes updated: about an hour, at 2 ns each.
MOST_UPDATES = 2**41

#: How many updates cost as much as the overhead of one gate, and as one amplitude of a density
#: matrix, whose noise is applied as well.
_PER_GATE, _PER_MIXED_AMPLITUDE = 2**15, 3

#: The same of one gate in one shot that is measured midway: 3 to 8 microseconds.
_PER_GATE_MIDWAY = 2**12

#: How many updates cost as much as one number of a matrix of the bond's size, cubed, where two
#: tensors of a matrix product state are decomposed.
_PER_BOND_CUBED = 5

#: The widest bond of a matrix product state.
MOST_BOND = 128

#: The most work of a run that shows how wide the bonds are.
_MOST_OF_PROBE = 2**31


def check_exact(num_qubits: int, gates: int) -> None:
    """Refuse an exact state that does not fit into memory, or would take hours."""
    _check_memory(num_qubits)
    updates = gates * (_PER_GATE + 2**num_qubits)
    if updates > MOST_UPDATES:
        raise _too_long(updates, num_qubits, gates, None)


def check_shots(circuit: QuantumCircuit, shots: int, noise: Noise, *, mixed: bool) -> None:
    """Refuse shots of a noisy circuit that would take hours, or do not fit into memory.

    Shots are one state until an error happens in one of them, after half of the gates on average.
    Where a qubit is measured or reset midway, each shot counts as a state; without noise, each of
    its outcomes. `mixed` says that they are sampled from one density matrix.

    Raises:
        SimulationFailure: They would.
    """
    width, gates, pairs = circuit.num_qubits, _gates(circuit), len(_pairs(circuit))
    _check_memory(width, mixed=mixed)
    right = (1 - noise.one_qubit) ** (gates - pairs) * (1 - noise.two_qubits) ** pairs
    measurements, resets = midway(circuit)
    states, each = 1 + shots * (1 - right) / 2, _PER_GATE + 2**width
    noisy = noise.one_qubit + noise.two_qubits > 0
    if measurements or (resets and not (mixed and noisy)):
        states = shots if noisy else min(shots, 2 ** (measurements + resets))
        each = _PER_GATE_MIDWAY + 2**width
    elif mixed:
        states, each = 1, _PER_GATE + _PER_MIXED_AMPLITUDE * 4**width
    if gates * states * each > MOST_UPDATES:
        raise _too_long(gates * states * each, width, gates, shots)


def check_bonds(circuit: QuantumCircuit, shots: int, widest: Callable[[int], int]) -> None:
    """Refuse shots of a circuit that would take hours as a matrix product state.

    The shots decide how wide the bonds may be. Where the gates alone do not keep them so, one run
    without noise tells; errors of single qubits change them little. The shots themselves run
    without a limit of the bonds: a limit would change the results.

    Each shot is a state of its own. `widest` returns the widest bond of a run whose bonds are cut
    at a given width.
    """
    gates, steps = _gates(circuit), _steps(circuit)
    left = MOST_UPDATES / shots - gates * _PER_GATE
    if left <= 0:
        raise _too_long(shots * gates * _PER_GATE, circuit.num_qubits, gates, shots)
    allowed = min(MOST_BOND, int((left / _PER_BOND_CUBED / max(1, steps)) ** (1 / 3)))
    if 2 ** bits_of_bonds(circuit) > allowed and widest(allowed + 1) > allowed:
        raise _too_long(math.inf, circuit.num_qubits, gates, shots)


def bits_of_bonds(circuit: QuantumCircuit) -> int:
    """Return the power of two that limits the bonds of a circuit's matrix product state.

    Each gate across a cut between two qubits at most doubles what has to be kept there, twice: k
    gates across make matrices of 4^k, or as many as the smaller side has.
    """
    width: int = circuit.num_qubits
    crossing: NDArray[np.int64] = np.zeros(width, dtype=np.int64)
    for places in _pairs(circuit):
        crossing[min(places) : max(places)] += 2
    cuts = np.arange(1, width + 1)
    return int(np.minimum(crossing, np.minimum(cuts, width - cuts)).max())


def probe_is_cheap(circuit: QuantumCircuit, bond: int) -> bool:
    """Return whether one run as a matrix product state of such bonds takes some seconds at most."""
    updates = _gates(circuit) * _PER_GATE + _PER_BOND_CUBED * _steps(circuit) * bond**3
    return updates <= _MOST_OF_PROBE


def _steps(circuit: QuantumCircuit) -> int:
    """Return how many gates between neighbours there are, swaps of neighbours included."""
    return sum(max(places) - min(places) for places in _pairs(circuit))


def _pairs(circuit: QuantumCircuit) -> list[list[int]]:
    """Return the qubits of each gate on several qubits."""
    place = {qubit: index for index, qubit in enumerate(circuit.qubits)}
    return [
        [place[qubit] for qubit in item.qubits]
        for item in circuit.data
        if len(item.qubits) > 1 and item.operation.name != "barrier"
    ]


def _gates(circuit: QuantumCircuit) -> int:
    """Return the number of gates and resets."""
    return sum(item.operation.name not in {"barrier", "measure"} for item in circuit.data)


def midway(circuit: QuantumCircuit) -> tuple[int, int]:
    """Return how many measurements a gate or a reset follows, and how many resets another gate."""
    measurements, resets = 0, 0
    touched: set[object] = set()
    measured: set[object] = set()
    for item in circuit.data:
        name, qubits = item.operation.name, set(item.qubits)
        if name == "measure":
            measured |= qubits & touched
        elif name != "barrier":
            measurements += len(qubits & measured)
            resets += name == "reset" and bool(qubits & (touched - measured))
            measured -= qubits
            touched = touched - qubits if name == "reset" else touched | qubits
    return measurements, resets


def check_midway(circuit: QuantumCircuit, qpu: Qpu | None) -> None:
    """Refuse a circuit that measures or resets midway on a QPU that cannot.

    Raises:
        SimulationFailure: It does.
    """
    if qpu is not None and not qpu.mid_circuit and any(midway(circuit)):
        raise SimulationFailure(
            "PreflightError", "the backend neither measures nor resets qubits midway"
        )


def _too_long(updates: float, num_qubits: int, gates: int, shots: int | None) -> SimulationFailure:
    hours = "many hours" if updates == math.inf else f"{math.ceil(updates / MOST_UPDATES)} hours"
    how = "exactly" if shots is None else f"{shots} shots with noise"
    less = "fewer gates" if shots is None else "fewer shots"
    return SimulationFailure(
        "SimulationTimeout",
        f"{gates} gates on {num_qubits} qubits, {how}, would take {hours} or more; "
        f"ionq_toolkit_fake gives up at one. Use fewer qubits or {less}",
    )
