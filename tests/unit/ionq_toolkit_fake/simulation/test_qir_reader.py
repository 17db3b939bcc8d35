"""The reader of QIR: gates of the base profile as they are, and all else refused by its name.

Names and forms of the instructions: the base profile of the QIR Alliance's specification, pyqir's
own builder, and modules that CUDA-Q 0.16 sends.
"""

import math
import traceback

import pyqir
import pytest
from qir_modules import BELL, module

from ionq_toolkit_fake.simulation import qir_reader
from ionq_toolkit_fake.simulation.qir_reader import InvalidModule


def read(text):
    return qir_reader.read(text if isinstance(text, bytes) else text.encode())


def refusal(text):
    with pytest.raises(InvalidModule) as caught:
        read(text)
    traceback.clear_frames(caught.tb)  # the garbage collector may run in another thread than pyqir
    return caught.value.code, caught.value.message


def test_gates_of_pyqirs_builder_are_read_from_bitcode_and_text():
    simple = pyqir.SimpleModule("all", 3, 3)
    builder, (a, b, c) = pyqir.BasicQisBuilder(simple.builder), simple.qubits
    for name in ("h", "x", "y", "z", "s", "t", "s_adj", "t_adj"):
        getattr(builder, name)(a)
    for axis in "xyz":
        getattr(builder, f"r{axis}")(0.25, b)
    builder.cx(a, b)
    builder.cz(b, c)
    for qubit, result in zip(simple.qubits, simple.results, strict=True):
        builder.mz(qubit, result)
    expected: list[list] = [
        [name, [0], [], []] for name in ("h", "x", "y", "z", "s", "t", "si", "ti")
    ]
    expected += [[f"r{axis}", [1], [], [0.25]] for axis in "xyz"]
    expected += [["cnot", [1], [0], []], ["z", [2], [1], []]]
    for data in (simple.bitcode(), simple.ir().encode()):
        assert read(data) == {"qubits": 3, "gates": expected}


def test_other_gates_have_their_names_controls_and_angles():
    calls = [("ccx", 0, 1, 2), ("swap", 0, 1), ("rzz", 0.5, 0, 1), ("r1", 0.5, 0), ("id", 0)]
    assert read(module(*calls, qubits=3))["gates"] == [
        ["x", [2], [0, 1], []],
        ["swap", [0, 1], [], []],
        ["zz", [0, 1], [], [0.5]],
        ["z", [0], [], [0.5]],
    ]


def test_typed_pointers_of_older_writers_are_read():
    old = module(*BELL).replace("ptr", "%Qubit*") + "%Qubit = type opaque\n"
    assert read(old) == read(module(*BELL))


Q_SHARP = """\
%Result = type opaque
%Qubit = type opaque

@0 = internal constant [4 x i8] c"0_a\\00"

define i64 @ENTRYPOINT__main() #0 {
block_0:
  call void @__quantum__rt__initialize(i8* null)
  call void @__quantum__qis__h__body(%Qubit* inttoptr (i64 0 to %Qubit*))
  call void @__quantum__qis__cx__body(%Qubit* null, %Qubit* inttoptr (i64 1 to %Qubit*))
  call void @__quantum__qis__t__adj(%Qubit* inttoptr (i64 1 to %Qubit*))
  call void @__quantum__qis__m__body(%Qubit* null, %Result* null)
  call void @__quantum__rt__result_record_output(
    %Result* null, i8* getelementptr inbounds ([4 x i8], [4 x i8]* @0, i64 0, i64 0))
  ret i64 0
}

declare void @__quantum__rt__initialize(i8*)
declare void @__quantum__qis__h__body(%Qubit*)
declare void @__quantum__qis__cx__body(%Qubit*, %Qubit*)
declare void @__quantum__qis__t__adj(%Qubit*)
declare void @__quantum__qis__m__body(%Qubit*, %Result*)
declare void @__quantum__rt__result_record_output(%Result*, i8*)

attributes #0 = { "entry_point" "qir_profiles"="base_profile" "required_num_qubits"="2" }
"""


def test_a_module_as_q_sharp_writes_it_is_read():
    assert read(Q_SHARP) == {
        "qubits": 2,
        "gates": [["h", [0], [], []], ["x", [1], [0], []], ["ti", [1], [], []]],
    }


@pytest.mark.parametrize(
    "name", ["required_num_qubits", "num_required_qubits", "requiredQubits", "another"]
)
def test_the_width_is_as_declared_or_as_used(name):
    text = module(*BELL, attributes=f'"entry_point" "{name}"="5"')
    assert read(text)["qubits"] == (2 if name == "another" else 5)


def test_blocks_in_a_row_records_and_resets_at_the_start_are_no_gates():
    text = module(
        ("reset", 0),
        ("h", 0),
        ("mz", 0, 0),
        ("__quantum__rt__initialize", 0),
        ("__quantum__rt__result_record_output", 0, 0),
        body="  br label %end\nend:\n  ret void",
    )
    assert read(text) == {"qubits": 2, "gates": [["h", [0], [], []]]}


@pytest.mark.parametrize(
    ("text", "code", "named"),
    [
        (module(("h", 0), ("mz", 0, 0), ("h", 0)), "CompilationError", "mid-circuit measurement"),
        (module(("h", 0), ("reset", 0)), "CompilationError", "reset__body' midway"),
        (module(("__quantum__rt__qubit_allocate", 0)), "CompilationError", "dynamic qubits"),
        (module(("read_result", 0)), "CompilationError", "decisions by results"),
        (module(("teleport", 0)), "UnsupportedGate", "__quantum__qis__teleport__body"),
        (module(("__system", 0)), "UnsupportedGate", "'__system'"),
        (module(body="  br label %a\na:\n  br label %a"), "CompilationError", "loops"),
        (
            module(body="  br i1 true, label %a, label %a\na:\n  ret void"),
            "CompilationError",
            "branches",
        ),
        (
            module(body="  %a = alloca i64\n  ret void"),
            "CompilationError",
            "instruction 'alloca'",
        ),
        (
            module(body="  call void @f()\n  ret void\n}\ndefine void @f() {\n  ret void"),
            "CompilationError",
            "no call of 'f'",
        ),
        (module(body="  call void null()\n  ret void"), "CompilationError", "calls of pointers"),
        (module(("cnot", 1, 1)), "PreflightError", "a qubit twice"),
        (module(("h", 0, 1)), "PreflightError", "takes 1 arguments"),
        (module(("rx", math.pi)), "PreflightError", "takes 2 arguments"),
        (module(*BELL, attributes='"none"'), "PreflightError", "0 entry points"),
        (module(*BELL, qubits="x"), "PreflightError", "must be a number"),
        ("not a module", "PreflightError", "not an LLVM module"),
        (b"BC\xc0\xde\0\0", "PreflightError", "not an LLVM module"),
        (
            module(body="  %a = load ptr, ptr null\n  call void @g(ptr %a)\n  ret void"),
            "PreflightError",
            "not an LLVM module",
        ),
    ],
)  # fmt: skip
def test_all_else_is_refused_by_its_name(text, code, named):
    found, message = refusal(text)
    assert (found, named in message) == (code, True), message


def test_qubits_and_angles_are_constants():
    dynamic = (
        module(("h", 0))
        .replace("@main()", "@main(ptr %q)")
        .replace(
            "call void @__quantum__qis__h__body(ptr inttoptr (i64 0 to ptr))",
            "call void @__quantum__qis__h__body(ptr %q)",
        )
    )
    assert "takes arguments" in refusal(dynamic)[1]
    numbered = "ptr inttoptr (i64 0 to ptr)"
    for other in ("@g", "undef", "inttoptr (i64 -1 to ptr)", "getelementptr (i8, ptr @g, i64 4)"):
        text = "@g = global i8 0\n" + module(("h", 0)).replace(numbered, f"ptr {other}")
        assert "static qubits alone" in refusal(text)[1]
    text = module(("rx", 1.0, 0)).replace("double 1.0", "double 0x7FF8000000000000")
    assert "finite constants" in refusal(text)[1]


def test_a_circuit_has_a_number_of_gates(monkeypatch):
    monkeypatch.setattr(qir_reader, "MOST_GATES", 3)
    assert len(read(module(*[("h", 0)] * 3))["gates"]) == 3
    assert refusal(module(*[("h", 0)] * 4))[0] == "TooManyGates"


def test_without_pyqir_the_extra_is_named(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "pyqir", None)
    monkeypatch.setattr(qir_reader, "_limit", lambda: None)
    monkeypatch.setattr("sys.stdin", type("In", (), {"buffer": __import__("io").BytesIO(b"x")}))
    qir_reader.main()
    assert "ionq-toolkit[fake]" in capsys.readouterr().out
