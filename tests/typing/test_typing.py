"""The types that a user's editor and type checkers see."""

import ast
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import jedi
import pytest

from ionq_toolkit import IonQBackend, Session
from ionq_toolkit.api.statuses import JOB_STATUS, StatusWord
from ionq_toolkit.devices import DEVICES, NOISE_MODELS, BackendName, NoiseModel
from ionq_toolkit.job import options
from ionq_toolkit_fake import FAILURES
from ionq_toolkit_fake.api.operations import OPERATIONS, OperationName
from ionq_toolkit_fake.facts.failures import FailureWord
from ionq_toolkit_fake.transitions.lifecycle import LIFECYCLE, OpenStatus

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("users_program.py")


# --- one declaration -------------------------------------------------------------------------


def test_the_typed_options_are_the_declared_ones():
    standard = set(options.StandardOptions.__annotations__)
    assert set(options.BackendOptions.__annotations__) - standard == set(options.DEFAULTS)
    assert set(options.RunArguments.__annotations__) - standard == {*options.DEFAULTS, "gateset"}


def test_the_typed_standard_options_are_the_ones_that_qiskit_has_and_a_run_takes():
    names = options.StandardOptions.__annotations__
    assert set(names) == set(options._STANDARD)
    assert options.drop_standard(dict.fromkeys(names)) == {}
    for name, typed in names.items():
        for words in re.findall(r"(?<=Literal\[)[^]]*", typed.__forward_arg__):
            for value in ast.literal_eval(f"[{words}]"):
                options.drop_standard({name: value})


@pytest.mark.parametrize(
    ("literal", "table"),
    [
        (StatusWord, set(JOB_STATUS) - {"running"}),  # the word of v0.3
        (NoiseModel, set(NOISE_MODELS)),
        (options.Gateset, set(options.GATESETS)),
        (FailureWord, set(FAILURES)),
        (OpenStatus, set(LIFECYCLE[:-1])),
        (OperationName, {operation.name for operation in OPERATIONS}),
        (
            BackendName,
            {device.api_name.removeprefix("qpu.") for device in DEVICES},
        ),
    ],
)
def test_the_words_of_a_type_are_those_of_its_table(literal, table):
    assert set(get_args(literal)) == table


# --- signatures and completion ---------------------------------------------------------------


@pytest.mark.parametrize("method", [IonQBackend.run, Session.run])
def test_the_signature_of_run_has_each_option_with_its_default(method):
    found = inspect.signature(method).parameters
    assert list(found)[:3] == ["self", "run_input", "timeout"]
    assert {name: p.default for name, p in list(found.items())[3:]} == {
        **options.DEFAULTS,
        "gateset": None,
    }
    assert found["noise_model"].annotation == "NoiseModel | None"
    assert all(p.kind is p.KEYWORD_ONLY for p in list(found.values())[2:])


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("backend.run(circuit, sh", "shots="),
        ("backend.run(circuit, shots=10, noi", "noise_model="),
        ("backend.run(circuit, shots=10).get_c", "get_counts"),
        ("provider.get_b", "get_backend"),
    ],
)
def test_a_notebook_completes_options_and_methods(backend, provider, bell, typed, offered):
    here = {"backend": backend, "provider": provider, "circuit": bell}
    assert offered in [one.name for one in jedi.Interpreter(typed, [here]).complete()]


# --- type checkers ---------------------------------------------------------------------------


def check(*command):
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=PROGRAM.parent,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_mypy_strict_accepts_a_users_program(tmp_path):
    cache = ("--config-file=", f"--cache-dir={tmp_path}")
    strict = ("--strict", "--ignore-missing-imports", "--follow-imports=silent")
    check("mypy", *cache, *strict, str(PROGRAM))


@pytest.mark.slow
def test_pyright_accepts_a_users_program(tmp_path):
    settings = {
        "include": [str(PROGRAM)],
        "extraPaths": [str(ROOT)],
        "typeCheckingMode": "standard",
        "enableTypeIgnoreComments": True,
        "reportUnnecessaryTypeIgnoreComment": "error",
    }
    config = tmp_path / "pyrightconfig.json"
    config.write_text(json.dumps(settings))
    check("basedpyright", "-p", str(config), "--pythonpath", sys.executable)


def test_both_packages_say_that_they_are_typed():
    for package in ("ionq_toolkit", "ionq_toolkit_fake"):
        assert (ROOT / package / "py.typed").exists()
