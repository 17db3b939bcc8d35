"""Inputs of jobs that run functions: the energy of a Hamiltonian, and maxcut by QAOA."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ionq_toolkit_fake.api.request import decode
from ionq_toolkit_fake.api.responses import bad_request, not_one_of
from ionq_toolkit_fake.models.submission import Circuit
from ionq_toolkit_fake.simulation.program import Energy, MaxCut, Program, Qasm3, Task

if TYPE_CHECKING:
    from ionq_toolkit_fake.facts.devices import Device

#: The most nodes of a graph: each is a qubit, and many circuits are run.
MAX_NODES = 29

#: The most terms of a Hamiltonian, each of which is simulated, and the most constraints.
MAX_TERMS, MAX_CONSTRAINTS = 10_000, 1_000


class _Term(msgspec.Struct):
    pauli_string: str
    coefficient: float


class _Ansatz(msgspec.Struct):
    data: str


class _Linear(msgspec.Struct):
    coeffs: list[float]
    rhs: float


class _Quadratic(msgspec.Struct):
    quadratic_coeff: list[list[float]]
    linear_coeff: list[float]
    rhs: float


class _EnergyData(msgspec.Struct):
    hamiltonian: list[_Term]
    ansatz: _Ansatz
    linear_constraints: list[_Linear] | None = None
    quadratic_constraints: list[_Quadratic] | None = None
    penalty: float | None = None
    cvar_alpha: float | None = None


class _Function(msgspec.Struct):
    type: str
    data: msgspec.Raw


class _FunctionInput(msgspec.Struct):
    data: _Function
    params: list[float] | None = None


class _Node(msgspec.Struct):
    id: int | str


class _Neighbour(msgspec.Struct):
    id: int | str
    weight: float = 1.0


class _Graph(msgspec.Struct):
    """A graph as NetworkX's adjacency_graph writes it."""

    nodes: list[_Node]
    adjacency: list[list[_Neighbour]]
    directed: bool = False
    multigraph: bool = False


class _QaoaInput(msgspec.Struct):
    problem_type: str
    problem: _Graph


class _External(msgspec.Struct):
    """Settings for Q-CTRL; its key is required and not kept."""

    api_credentials: str


def read_function(body: msgspec.Raw, device: Device) -> tuple[Circuit, Energy]:
    """Return the input of a job of type `quantum-function`."""
    function = decode(body, _FunctionInput, "input")
    if function.data.type != "hamiltonian-energy":
        raise not_one_of(["hamiltonian-energy"], "input.data.type")
    data = decode(function.data.data, _EnergyData, "input.data.data")
    path = "input.data.data"
    if not data.hamiltonian:
        raise bad_request(f"{path}.hamiltonian must not be empty", f"{path}.hamiltonian")
    if len(data.hamiltonian) > MAX_TERMS:
        key = f"{path}.hamiltonian"
        raise bad_request(f"{key} must not have more than {MAX_TERMS} terms", key)
    if len(data.linear_constraints or ()) + len(data.quadratic_constraints or ()) > MAX_CONSTRAINTS:
        key = f"{path}.linear_constraints"
        raise bad_request(f"there must not be more than {MAX_CONSTRAINTS} constraints", key)
    for index, term in enumerate(data.hamiltonian):
        if not term.pauli_string or set(term.pauli_string) - set("IXYZ"):
            key = f"{path}.hamiltonian.{index}.pauli_string"
            raise bad_request(f"{key} must consist of the letters I, X, Y and Z", key)
    if data.cvar_alpha is not None and not 0 < data.cvar_alpha <= 1:
        key = f"{path}.cvar_alpha"
        raise bad_request(f"{key} must be greater than 0 and not greater than 1", key)
    constraints: list[Any] = [((), tuple(c.coeffs), c.rhs) for c in data.linear_constraints or ()]
    constraints += [
        (tuple(map(tuple, c.quadratic_coeff)), tuple(c.linear_coeff), c.rhs)
        for c in data.quadratic_constraints or ()
    ]
    ansatz = Qasm3(data.ansatz.data, tuple(function.params or ()))
    energy = Energy(
        ansatz,
        tuple((term.pauli_string, term.coefficient) for term in data.hamiltonian),
        seed=0,
        width=device.qubits,
        constraints=tuple(constraints),
        penalty=data.penalty or 0.0,
        cvar_alpha=data.cvar_alpha,
    )
    return Circuit(None, ansatz, None, {}), energy


def read_qaoa(
    body: msgspec.Raw, external: msgspec.Raw, device: Device
) -> tuple[tuple[Circuit, ...], MaxCut]:
    """Return the input of a job of type `qctrl.qaoa.v1`: the circuits of its run, and the graph."""
    problem = decode(body, _QaoaInput, "input")
    if problem.problem_type != "maxcut":
        raise not_one_of(["maxcut"], "input.problem_type")
    if bytes(external) == b"null":
        raise bad_request("external_settings is required", "external_settings")
    decode(external, _External, "external_settings")
    graph, path = problem.problem, "input.problem"
    places = {node.id: index for index, node in enumerate(graph.nodes)}
    if not graph.nodes or len(places) != len(graph.nodes):
        raise bad_request(f"{path}.nodes must be at least one, each once", f"{path}.nodes")
    if len(graph.nodes) > min(MAX_NODES, device.qubits):
        raise bad_request(f"{path}.nodes are more than the backend has qubits", f"{path}.nodes")
    if len(graph.adjacency) != len(graph.nodes):
        key = f"{path}.adjacency"
        raise bad_request(f"{key} must have an entry for each node", key)
    edges: dict[tuple[int, int], float] = {}
    for index, neighbours in enumerate(graph.adjacency):
        for neighbour in neighbours:
            other = places.get(neighbour.id)
            if other is None:
                key = f"{path}.adjacency.{index}"
                raise bad_request(f"{key} names a node that there is not", key)
            if other != index:  # an edge to itself is never cut
                edges[min(index, other), max(index, other)] = neighbour.weight
    rows = tuple((a, b, weight) for (a, b), weight in sorted(edges.items()))
    blank = Program(len(graph.nodes), ())
    cut = MaxCut(len(graph.nodes), rows, Task(blank, 0))
    singles, doubles = 2 * len(graph.nodes), len(rows)
    circuit = Circuit(
        None,
        blank,
        len(graph.nodes),
        {"1q": singles, "2q": doubles},
        billed=(singles, doubles),
    )
    return (circuit,) * cut.num_circuits, cut
