"""Random circuits with noise, over HTTP, against density matrices with IonQ's documented channel.

Histograms are held against them by Pearson's test at a level of one in a million: with other seeds,
the whole file would fail a right simulation once in some 25,000 times. The same test must tell
rates apart that are wrong by half, so that it is known to see something.
"""

import itertools
from functools import cache
from random import Random

import numpy as np
import pytest
import reference
from random_gates import BARE, PAIRS, name_of, native_gate, qis_gate, turned
from wire import Wire

from ionq_toolkit_fake import DEVIATIONS, FakeIonQ
from ionq_toolkit_fake.assertions import p_value
from ionq_toolkit_fake.simulation.noise import NOISE_MODELS

LEVEL = 1e-6
SHOTS = 200_000
QUBITS = (0, 2, 3)  # of four: one is idle

#: Noise after each gate as it was sent, at the documented rates: what the guide says. The service
#: puts it on the compiled circuit; tests/unit/.../test_compiled_noise.py is about that.
GUIDE = set(DEVIATIONS) - {"noise-on-compiled", "forte-1-rates"}

#: As IonQ publishes them; of the others it publishes none, and the fake's table says so.
RATES = {
    "aria-1": (0.0005, 0.0133),
    "aria-2": (0.0006573333333333332, 0.01856),
    "forte-1": (0.0002666666666666667, 0.004949333333333333),
    **{name: model.documented[:2] for name, model in NOISE_MODELS.items() if not model.published},
}


def scaled(rates, which):
    """Return rates of which one is half as large again."""
    return tuple(rate * (1.5 if index == which else 1) for index, rate in enumerate(rates))


def is_width(gate, width):
    """Whether each application of a gate touches so many qubits."""
    ((_, qubits), *_) = reference.steps([gate])
    return len(qubits) == width


@cache
def circuit(width, rate, gateset="qis", entangler="zz"):
    """Make a circuit of gates on one qubit, or on two, that loses a third to errors.

    The first have no others, so that it depends on the one rate alone.
    """
    random = Random(f"{width} {gateset}")
    number = round(0.4 / rate / (1 if width == 2 else len(QUBITS)))
    number *= 3 if gateset == "native" else 1  # of which one in four is on two qubits
    qubits = itertools.cycle(QUBITS)
    gates = []
    while len(gates) < number:
        pool = QUBITS if width == 2 else [next(qubits)]
        if gateset == "native":
            gate = native_gate(random, pool, [entangler])
        else:
            gate = qis_gate(random, pool, widest=2, widest_sum=0)
        gates += [gate] if gateset == "native" or is_width(gate, width) else []
    layer = turned(random, QUBITS) if gateset == "qis" else []
    return {"qubits": 4, "gateset": gateset, "circuit": [*layer, *gates, *layer]}


def counts_of(histogram):
    counts = np.zeros(16)
    counts[[int(outcome) for outcome in histogram]] = list(histogram.values())
    return counts


@cache
def counts(model, width, gateset="qis"):
    """Run a circuit under a noise model; return its gates and the counts of its outcomes."""
    made = circuit(width, RATES[model][width - 1], gateset, NOISE_MODELS[model].entangler)
    wire = Wire(FakeIonQ(seed=1, deviations=GUIDE))
    job = wire.run(made, noise={"model": model, "seed": 1234}, shots=SHOTS)
    gates = [gate for gate in made["circuit"] if gate["gate"] != "nop"]  # which is no gate at all
    return gates, counts_of(wire.result(job, "histogram"))


def p_of(counts, gates, rates, gateset="qis"):
    expected = reference.noisy_probabilities(gates, rates, gateset, range(4))
    return p_value(counts, expected)


@pytest.mark.slow
@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("model", RATES)
def test_shots_are_drawn_from_the_density_matrix_and_from_no_other(model, width):
    gates, seen = counts(model, width)
    assert seen.sum() == SHOTS
    assert p_of(seen, gates, RATES[model]) > LEVEL
    assert p_of(seen, gates, scaled(RATES[model], width - 1)) < LEVEL


@pytest.mark.parametrize("model", ["harmony", "aria-1", "forte-1"])
def test_native_gates_have_the_same_noise(model):
    gates, seen = counts(model, 2, "native")
    assert p_of(seen, gates, RATES[model], "native") > LEVEL
    assert p_of(seen, gates, scaled(RATES[model], 1), "native") < LEVEL


@pytest.mark.slow
@pytest.mark.parametrize("gate", [g for g in BARE if g["gate"] != "pauliexp"], ids=name_of)
def test_every_gate_has_noise(gate):
    """A gate again and again: without noise, or with half as much again, the counts were others."""
    width = 2 if gate["gate"] in {*PAIRS, "swap", "cnot"} else 1
    qubits = {"targets": [2, 0][:width]}
    qubits = {"target": 2, "control": 0} if gate["gate"] == "cnot" else qubits
    layer = turned(Random(name_of(gate)), QUBITS)
    gates = [*layer, *[{**gate, **qubits}] * (100 if width == 1 else 4), *layer]
    wire = Wire(FakeIonQ(seed=1, deviations=GUIDE))
    noise = {"model": "harmony", "seed": 7}
    job = wire.run({"qubits": 4, "circuit": gates}, noise=noise, shots=SHOTS)
    seen = counts_of(wire.result(job, "histogram"))
    assert p_of(seen, gates, RATES["harmony"]) > LEVEL
    assert p_of(seen, gates, scaled(RATES["harmony"], width - 1)) < LEVEL
    assert p_of(seen, layer * 2, RATES["harmony"]) < LEVEL
