"""A user's mistake shows the user's own line: the frames of the packages are hidden."""

import os
import pickle
import subprocess
import sys
import traceback

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Gate

from ionq_toolkit import InProcessTransport, IonQProvider, Session, errors
from ionq_toolkit.primitives import SamplerV2
from ionq_toolkit_fake import FakeIonQ, Transitions, failed

KEY = "a-key-that-is-only-of-this-test"


def bell(*extra):
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    for gate in extra:
        circuit.append(gate, [0])
    circuit.measure_all()
    return circuit


def backend(**options):
    return IonQProvider(transport=InProcessTransport(FakeIonQ(seed=1, **options))).get_backend(
        "simulator"
    )


def failing():
    return backend(transitions=Transitions(end=failed("NotEnoughQubits")))


def unreachable():
    return IonQProvider(KEY, url="http://127.0.0.1:9/v0.4", retry=None).get_backend("simulator")


#: Mistakes that programs make, as calls without arguments.
MISTAKES = {
    "option": lambda: backend().run(bell(), shot=10),
    "value": lambda: backend().run(bell(), shots=0),
    "name": lambda: backend().provider.get_backend("fort-1"),
    "gate": lambda: backend().run(bell(Gate("weird", 1, []))),
    "gate in a primitive": lambda: SamplerV2(backend()).run([bell(Gate("weird", 1, []))]),
    "failure": lambda: failing().run(bell()).result(),
    "failure in a primitive": lambda: SamplerV2(failing()).run([bell()]).result(),
    "job id": lambda: backend().retrieve_job("nope"),
    "timeout": lambda: backend().run(bell(), timeout=-1),
    "wait": lambda: backend().run(bell()).wait_for_final_state(wait=-1),
    "session": lambda: Session(backend(), max_time=-1),
    "no service": lambda: unreachable().run(bell()),
    "setting of the fake": lambda: FakeIonQ(clock="wrong"),
}


def shown(error):
    """Return the functions of a traceback that no local variable hides, as pytest decides."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    return [f.f_code.co_name for f in frames if not f.f_locals.get("__tracebackhide__")]


@pytest.mark.parametrize("call", MISTAKES.values(), ids=MISTAKES)
def test_the_traceback_of_a_mistake_ends_at_the_callers_line(call, request):
    with pytest.raises((errors.IonQError, ValueError)) as caught:
        call()

    assert shown(caught.value) == [request.node.originalname, "<lambda>"]
    for frame, _ in traceback.walk_tb(caught.value.__traceback__):
        assert frame.f_locals.get("_rich_traceback_omit") == frame.f_locals.get("__tracebackhide__")


def test_a_function_of_the_caller_between_ours_is_shown():
    def ask_again(_job_id, _status, _job):
        backend().run(bell(), shot=10)

    with pytest.raises(errors.IonQBackendError) as caught:
        backend().run(bell()).wait_for_final_state(callback=ask_again)

    assert shown(caught.value)[-1] == "ask_again"


def test_an_error_that_the_caller_handles_keeps_its_frames():
    def fail():
        raise KeyError("of the caller")

    def handle():
        try:
            fail()
        except KeyError:
            with pytest.raises(errors.IonQBackendError):
                backend().run(bell(), shot=10)
            raise

    with pytest.raises(KeyError) as caught:
        handle()
    assert shown(caught.value)[-1] == "fail"


def test_no_frame_of_a_cause_shows_the_headers_of_the_request():
    with pytest.raises(errors.IonQConnectionError) as caught:
        unreachable().run(bell())

    cause, frames = caught.value.__cause__, 0
    while cause is not None:
        for frame, _ in traceback.walk_tb(cause.__traceback__):
            frames += 1
            assert KEY not in repr(frame.f_locals.values()), frame
        cause = cause.__cause__ or cause.__context__
    assert frames


def test_python_itself_shows_every_frame():
    with pytest.raises(errors.IonQBackendError) as caught:
        backend().run(bell(), shot=10)

    assert "refuse_unknown" in "".join(traceback.format_exception(caught.value))


def test_an_invalid_value_is_a_value_error_that_can_be_pickled():
    with pytest.raises(ValueError, match="timeout=-1 must not be negative") as caught:
        backend().run(bell(), timeout=-1)

    copy = pickle.loads(pickle.dumps(caught.value))
    assert (type(copy), str(copy)) == (type(caught.value), str(caught.value))


#: In a process of its own: other tests import IPython's modules anew.
IN_IPYTHON = """
import contextlib, io, runpy, sys
from IPython.core.interactiveshell import InteractiveShell
made = runpy.run_path(sys.argv[1])
shell = InteractiveShell.instance(colors="nocolor", warn_venv=False)
shell.user_ns |= {name: made[name]() for name in ("backend", "failing", "bell")}
shell.user_ns["away"] = made["unreachable"]()

def lines_of(cell):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        result = shell.run_cell(cell)
    assert isinstance(result.error_in_exec, (made["errors"].IonQError, ValueError))
    return printed.getvalue().splitlines()

for cell in (
    "backend.run(bell, shot=10)",
    "backend.provider.get_backend('fort-1')",
    "failing.run(bell).result()",
    "backend.run(bell, timeout=-1)",
    "away.run(bell)",
):
    lines = lines_of(cell)
    assert len(lines) <= 15, lines  # six: header, place, cell and message

shell.run_line_magic("xmode", "Verbose")
assert any("refuse_unknown" in line for line in lines_of("backend.run(bell, shot=10)"))
"""


@pytest.mark.slow
def test_a_traceback_in_ipython_has_at_most_fifteen_lines(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", IN_IPYTHON, __file__],
        env={**os.environ, "IPYTHONDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
