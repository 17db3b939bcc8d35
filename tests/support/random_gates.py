"""Random gates in IonQ's JSON, each in one of the spellings that clients send.

They are drawn from a `random.Random`: one with a fixed seed, or one of hypothesis, which shrinks.
"""

from __future__ import annotations

ONE = ("x", "not", "y", "z", "h", "s", "si", "t", "ti", "v", "vi")
TURNS = ("rx", "ry", "rz", "z")
PAIRS = ("xx", "yy", "zz")

#: Each of them once, but for its qubits.
BARE = (
    *({"gate": name} for name in (*ONE, "swap", "cnot")),
    *({"gate": name, "rotation": 0.9} for name in (*TURNS, *PAIRS)),
    {"gate": "pauliexp", "time": 0.7, "terms": ["XY", "ZI"], "coefficients": [0.5, -0.8]},
)


def name_of(gate):
    return f"{gate['gate']}({gate['rotation']})" if "rotation" in gate else gate["gate"]


def angle_of(random):
    """Return an angle in radians, some of them whole numbers and multiples of a quarter turn."""
    kind = random.randrange(4)
    if kind == 0:
        return random.randrange(-4, 5) * 1.5707963267948966
    return random.randrange(-3, 4) if kind == 1 else random.uniform(-7, 7)


def _spelled(random, gate, targets, controls=()):
    """Return a gate with its qubits in one of their spellings."""
    one_target = len(targets) == 1 and random.randrange(2)
    body = {**gate, **({"target": targets[0]} if one_target else {"targets": [*targets]})}
    if len(controls) == 1 and random.randrange(2):
        body["control"] = controls[0]
    elif controls or not random.randrange(4):
        body["controls"] = [*controls]
    return body


def pauli_terms(random, width, *, commuting):
    """Return random Pauli strings, all of which commute or some may not, with coefficients."""
    letters = ["I" + random.choice("XYZ") if commuting else "IXYZ" for _ in range(width)]
    terms = ["".join(map(random.choice, letters)) for _ in range(random.randrange(1, 5))]
    return terms, [random.uniform(-2, 2) for _ in terms]


def pauliexp(random, targets, controls=(), *, commuting=False):
    """Return the exponential of a random sum of Pauli strings."""
    terms, coefficients = pauli_terms(random, len(targets), commuting=commuting)
    body = {"gate": "pauliexp", "terms": terms, "coefficients": coefficients}
    body["time"] = random.choice([0, 1, 0.3, random.uniform(0, 2)])
    return _spelled(random, body, targets, controls)


def qis_gate(random, qubits, *, widest=8, widest_sum=4):
    """Return a random gate of the `qis` gateset on some of the qubits.

    Args:
        random: What it is drawn from.
        qubits: The qubits that it may act on, one or more.
        widest: The most qubits that one application touches, controls included.
        widest_sum: The most targets of a `pauliexp` whose terms may not commute; 0: there is none.
    """
    order = random.sample(list(qubits), len(qubits))
    widest = min(widest, len(order))
    kinds = ["one", "turn", "several"]
    kinds += ["pair", "swap", "cnot"] if widest > 1 else []
    kinds += ["pauliexp"] if widest_sum else []
    kind = random.choice(kinds)
    controls_at_most = min(7, widest - 1)
    if kind in {"one", "turn", "cnot"}:
        controls = order[1 : 1 + random.randrange(controls_at_most + 1)]
        if kind == "cnot":
            return _spelled(random, {"gate": "cnot"}, order[:1], controls or order[1:2])
        gate = {"gate": random.choice(TURNS), "rotation": angle_of(random)}
        gate = {"gate": random.choice(ONE)} if kind == "one" else gate
        return _spelled(random, gate, order[:1], controls)
    if kind == "several":
        count = random.randrange(1, len(order) + 1)
        controls = order[count : count + random.randrange(min(3, controls_at_most + 1))]
        gate = {"gate": random.choice(TURNS), "rotation": angle_of(random)}
        gate = gate if random.randrange(2) else {"gate": random.choice(ONE)}
        return _spelled(random, gate, order[:count], controls)
    if kind == "pauliexp":
        count = random.randrange(1, min(4, widest) + 1)
        controls = order[count : count + random.randrange(min(3, widest - count) + 1)]
        commuting = count > widest_sum or bool(random.randrange(2))
        return pauliexp(random, order[:count], controls, commuting=commuting)
    controls = order[2 : 2 + random.randrange(min(7, widest - 2) + 1)]
    gate = {"gate": "swap"}
    if kind == "pair":
        gate = {"gate": random.choice(PAIRS), "rotation": angle_of(random)}
    return _spelled(random, gate, order[:2], controls)


def native_gate(random, qubits, entanglers=("ms", "zz")):
    """Return a random native gate on some of the qubits."""
    order = random.sample(list(qubits), len(qubits))
    name = random.choice(["gpi", "gpi2", "nop", *(entanglers if len(order) > 1 else ())])
    if name == "nop":
        return (
            {"gate": "nop", "targets": order}
            if random.randrange(2)
            else {"gate": "nop", "target": order[0]}
        )
    if name == "zz":
        spelling = random.choice(["angle", "phase"])
        return {
            "gate": "zz",
            "targets": order[:2],
            spelling: random.choice([0.25, random.uniform(0, 0.25)]),  # the service takes no other
        }
    if name == "ms":
        gate = {"gate": "ms", "targets": order[:2], "phases": [random.uniform(-1, 1) for _ in "ab"]}
        return {**gate, "angle": random.uniform(0, 0.25)} if random.randrange(3) else gate
    gate = {"gate": name, "phase": random.choice([0, 1, -0.25, random.uniform(-1, 1)])}
    return {**gate, **({"target": order[0]} if random.randrange(2) else {"targets": order[:1]})}


def turned(random, qubits):
    """Return gates that turn each qubit by an angle of its own, so that all later phases show."""
    return [
        {"gate": name, "target": qubit, "rotation": random.uniform(0.3, 2.8)}
        for name in ("ry", "rx")
        for qubit in qubits
    ]
