"""OpenQASM 2 files as benchmark suites ship them, against bare Aer.

    python qasm_files.py [--quick] [FOLDER]

FOLDER is a checkout of QASMBench, of which the small circuits run. Without it the files are written here, of
circuits of the same kinds.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from probe import attempt, done, same_as_aer, seeded
from qiskit import QuantumCircuit, qasm2
from qiskit.circuit.library import CDKMRippleCarryAdder, QFTGate, efficient_su2

if TYPE_CHECKING:
    from ionq_toolkit.backend import IonQBackend

#: As simulation of each on two processors stays under some seconds.
WIDEST = 10


def written() -> dict[str, str]:
    """Return files of the kinds that QASMBench has: states, arithmetic, searches, ansatzes."""
    made = {}
    ghz = QuantumCircuit(5)
    ghz.h(0)
    for qubit in range(4):
        ghz.cx(qubit, qubit + 1)
    made["ghz_n5"] = ghz
    made["qft_n5"] = QuantumCircuit(5)
    made["qft_n5"].x([0, 3])
    made["qft_n5"].append(QFTGate(5).definition, range(5))
    made["qft_n5"].h(range(5))
    adder = CDKMRippleCarryAdder(2, kind="full")
    made["adder_n6"] = QuantumCircuit(adder.num_qubits)
    made["adder_n6"].x([1, 3])
    made["adder_n6"].compose(adder.decompose(reps=3), inplace=True)
    toffoli = QuantumCircuit(4)
    toffoli.h([0, 1])
    toffoli.ccx(0, 1, 2)
    toffoli.cswap(2, 0, 3)
    made["toffoli_n4"] = toffoli
    ansatz = efficient_su2(4, reps=2)
    made["ansatz_n4"] = ansatz.assign_parameters(
        [0.1 * (n + 1) for n in range(ansatz.num_parameters)]
    )
    for circuit in made.values():
        circuit.measure_all()
    return {name: qasm2.dumps(circuit) for name, circuit in made.items()}


def run(text: str, folder: Path, backend: IonQBackend) -> None:
    """Run a file."""
    found = qasm2.loads(
        text, include_path=[str(folder)], custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS
    )
    same_as_aer(found, backend)


def width(text: str) -> int:
    """Return how many qubits a file declares."""
    lines = (line.split("//")[0] for line in text.splitlines())
    return sum(
        int(line.split("[")[1].split("]")[0]) for line in lines if line.strip().startswith("qreg")
    )


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--quick"]
    folder = Path(arguments[0]) / "small" if arguments else Path()
    files = (
        {path.stem: path.read_text() for path in sorted(folder.glob("*/*.qasm"))}
        if arguments
        else written()
    )
    files = {
        name: text
        for name, text in files.items()
        if not name.endswith("_transpiled") and width(text) <= WIDEST
    }
    provider = seeded()
    for side in ("qis", "native"):
        backend = provider.get_backend("simulator", gateset=side)
        for name, text in list(files.items())[
            : 2 if side == "native" and "--quick" in sys.argv else None
        ]:
            attempt(f"{name}, {side}", run, text, folder, backend)
    done()
