"""Points that are in no record: other fold counts, shots and circuits of the same kinds."""

import math

import numpy as np
import pytest
import replay

#: A right prediction is off by more once in 16,000 times.
SIGMAS = 4.0


def decays():
    """Return the recorded jobs of native gates that are folded more and more often."""
    for entry in replay.observations():
        if entry["title"].startswith("A native circuit is left as it is"):
            (job,) = entry["jobs"]
            yield pytest.param(job, id=job["noise"]["model"])


def fitted(points, shots):
    """Fit a exp(-b n) to values of so many shots; return a function for value and its error."""
    n, value = (np.array(side, dtype=float) for side in zip(*points, strict=True))
    weights = value**2 * shots / (1 - value**2)  # of log(value)
    design = np.stack([np.ones_like(n), n], axis=1)
    covariance = np.linalg.inv(design.T @ (design * weights[:, None]))
    solution = covariance @ design.T @ (weights * np.log(value))

    def at(number):
        row = np.array([1.0, number])
        found = math.exp(row @ solution)
        return found, found * math.sqrt(row @ covariance @ row)

    return at


def measured(job, n, shots):
    circuit = job["circuit"].replace("{n}", str(n)).replace("{n-1}", str(n - 1))
    caller = replay.Caller({})
    body = {name: job[name] for name in ("backend", "noise", "qubits")}
    caller.run({**body, "shots": shots, "circuit": circuit}, job["gateset"])
    _, probabilities = caller.send("GET /jobs/{job}/results/probabilities")
    return replay.value_of(job["measure"], probabilities)


@pytest.mark.parametrize("job", list(decays()))
def test_a_recorded_value_is_predicted_by_the_others(job):
    """Which shows that the records are decays by one rate, as the noise model is."""
    points = [(int(n), value) for n, value in job["values"].items()]
    for n, value in points:
        others = [point for point in points if point[0] != n]
        expected, error = fitted(others, job["shots"])(n)
        own = math.sqrt((1 - value**2) / job["shots"])
        assert abs(value - expected) < SIGMAS * math.hypot(error, own), n


@pytest.mark.parametrize("job", list(decays()))
@pytest.mark.parametrize(("n", "shots"), [(7, 100_000), (13, 20_000), (33, 2000), (55, 20_000)])
def test_other_fold_counts_and_shots_are_as_the_records_predict(job, n, shots):
    expected, error = fitted([(int(k), v) for k, v in job["values"].items()], job["shots"])(n)
    value, each = measured(job, n, shots)
    assert abs(value - expected) < SIGMAS * math.hypot(error, each / math.sqrt(shots))


@pytest.mark.slow
def test_other_circuits_of_the_size_on_forte_keep_as_much_signal_as_the_recorded_ones():
    """18 jobs of 400 shots: <Z0> was 0.34 (+-0.04) x exact + 0.04, with a scatter of 0.067.

    The angles of the recorded circuits are not known. Here they are random, so that <Z0> differs.
    """
    random = np.random.default_rng(18)
    exact: list[float] = []
    found: list[float] = []
    for _ in range(18):
        turns = "; ".join(
            f"{name} {q} ({angle:.4f})"
            for q in range(8)
            for name, angle in zip(("ry", "rz") * 2, random.normal(0, 0.25, 4), strict=True)
        )
        circuit = f"[{turns}; [cnot {{q}} {{next}}] q=0..7]*4"
        for backend, values in (("simulator", exact), ("qpu.forte-1", found)):
            caller = replay.Caller({})
            body = {"backend": backend, "shots": 400, "qubits": 8, "circuit": circuit}
            caller.run({**body, "settings": {"error_mitigation": {"debiasing": False}}})
            _, probabilities = caller.send("GET /jobs/{job}/results/probabilities")
            values.append(replay.value_of("z 0", probabilities)[0])
    design = np.stack([np.ones(18), exact], axis=1)
    inverse = np.linalg.inv(design.T @ design)
    shift, slope = inverse @ design.T @ found
    scatter = float(np.std(np.array(found) - design @ [shift, slope], ddof=2))
    errors = scatter * np.sqrt(np.diag(inverse))
    assert abs(slope - 0.34) < 3 * math.hypot(0.04, errors[1])
    assert abs(shift - 0.04) < 3 * math.hypot(0.067 / math.sqrt(18), errors[0])
    assert 0.04 < scatter < 0.1  # 0.05 is that of 400 shots
