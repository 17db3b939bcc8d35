import numpy as np
import pytest
from qiskit.quantum_info import Operator

from ionq_toolkit.circuits.qasm2 import is_qasm2, loads

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[4];\ncreg c[4];\n'


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("OPENQASM 2.0; qreg q[1];", True),
        ("// OPENQASM 3;\n  OPENQASM 2;", True),
        ('include "qelib1.inc"; qreg q[1];', True),
        ("OPENQASM 3.0; qubit q;", False),
        ("/* OPENQASM 2.0; */ qubit q;", False),
        ("", False),
    ],
)
def test_the_version_is_found(program, expected):
    assert is_qasm2(program) is expected


@pytest.mark.parametrize("name", ["swap", "rzz(t)", "cswap", "sx", "p(t)", "c3x"])
def test_a_gate_that_the_program_defines_is_its_own(tmp_path, name):
    """Qiskit's loader takes its own gate of that name: `h` of the first qubit is meant."""
    qubits = ["a", "b", "d", "e"][: {"swap": 2, "rzz(t)": 2, "cswap": 3, "c3x": 4}.get(name, 1)]
    call = ",".join(f"q[{number}]" for number in range(len(qubits)))
    gate = f"gate {name} {','.join(qubits)} {{ h a; }}\n"
    circuit = loads(HEAD + gate + f"{name.replace('(t)', '(0.5)')} {call};", tmp_path)
    assert circuit.count_ops() == {"h": 1}


def test_gates_that_are_defined_in_terms_of_each_other_are_those_of_the_definitions(tmp_path):
    program = (
        "OPENQASM 2.0;\nqreg q[2];\ngate cx a,b { CX a,b; }\ngate h a { U(pi/2,0,pi) a; }\n"
        "gate bell a,b { h a; cx a,b; }\nbell q[0],q[1];"
    )
    state = Operator(loads(program, tmp_path)).data[:, 0]
    np.testing.assert_allclose(abs(state) ** 2, [0.5, 0, 0, 0.5], atol=1e-12)


def test_gates_of_an_included_file_are_its_own(tmp_path):
    (tmp_path / "mine.inc").write_text("gate swap a,b { h a; }\n")
    circuit = loads(HEAD + 'include "mine.inc";\nswap q[0],q[1];', tmp_path)
    assert circuit.count_ops() == {"h": 1}


def test_gates_of_the_old_library_are_known(tmp_path):
    gates = "u0(1) q[0]; sxdg q[0]; rccx q[0],q[1],q[2]; u(1,2,3) q[0]; rxx(sin(2)) q[0],q[1];"
    assert loads(HEAD + gates, tmp_path).count_ops()["rxx"] == 1


@pytest.mark.parametrize(
    ("program", "complaint"),
    [
        ("// if (x)\n  if(c==1) x q[0];", r"line 6, column 2: if\(c==1\) is a conditional"),
        ("opaque foo a;\nfoo q[0];", "line 5, column 0: gate 'foo' is opaque"),
        ("opaque foo a;\ngate bar a { foo a; }\nbar q[0];", "line 5, column 0: gate 'foo'"),
        ("\nfoo q[0];", "line 6, column 0: 'foo' is not defined"),
        ('include "mine.inc";', "unable to find 'mine.inc'"),
    ],
)
def test_programs_that_cannot_be_taken_say_the_line(tmp_path, program, complaint):
    with pytest.raises(ValueError, match=complaint):
        loads(HEAD + program, tmp_path)


def test_an_opaque_gate_that_is_not_used_does_no_harm(tmp_path):
    assert loads(HEAD + "opaque foo a;\nx q[0];", tmp_path).count_ops() == {"x": 1}
