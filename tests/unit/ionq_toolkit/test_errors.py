import inspect
import pickle

import pytest
from qiskit.exceptions import QiskitError
from qiskit.providers import JobError, JobTimeoutError
from qiskit.providers.exceptions import QiskitBackendNotFoundError
from qiskit_ionq import exceptions

from ionq_toolkit import errors

ALL = [
    error for error in vars(errors).values() if getattr(error, "__module__", "") == errors.__name__
]
ALL = [error for error in ALL if inspect.isclass(error)]


@pytest.mark.parametrize("error", ALL)
def test_every_error_is_in_the_tree_that_the_docstring_draws(error):
    assert issubclass(error, errors.IonQError)
    line = next(line for line in errors.__doc__.splitlines() if f" {error.__name__} " in line + " ")
    depth = line.index(error.__name__) // 4 - 1
    assert depth == [c for c in error.__mro__ if c in ALL].index(errors.IonQError)


@pytest.mark.parametrize("error", ALL)
def test_every_error_survives_pickling_with_all_it_carries(error):
    names = {name for kind in error.__mro__ if kind in ALL for name in kind.__annotations__}
    carried = {name: f"value of {name}" for name in names - {"message"}}
    original = error("what went wrong", **carried)
    original.add_note("a note")

    copy = pickle.loads(pickle.dumps(original))

    assert type(copy) is error
    assert str(copy) == str(original) == "what went wrong"
    assert {name: getattr(copy, name) for name in carried} == carried
    assert copy.__notes__ == ["a note"]


def test_an_error_rejects_what_it_does_not_carry():
    with pytest.raises(TypeError, match="no attribute 'detail'"):
        errors.IonQJobError("m", detail="d")


def test_attributes_that_are_not_given_have_their_defaults():
    error = errors.IonQRetriableError("m")
    assert (error.job_id, error.status_code, error.retry_after_s) == (None, 0, None)
    assert errors.IonQSubmissionUnknownError("m").candidates == ()


@pytest.mark.parametrize(
    ("word", "hint"),
    [("fak", " Did you mean 'fake'?"), ("htp", " Did you mean 'http'?"), ("", ""), ("zzz", "")],
)
def test_did_you_mean_names_the_closest_choice(word, hint):
    assert errors.did_you_mean(word, ["http", "fake"]) == hint


def test_did_you_mean_names_several_choices():
    choices = {"aria-1": 1, "aria-2": 2, "forte-1": 3}
    assert errors.did_you_mean("aria", choices, most=2) == " Did you mean 'aria-2' or 'aria-1'?"


@pytest.mark.parametrize(
    ("error", "base"),
    [
        (errors.IonQError, QiskitError),
        (errors.IonQBackendNotFoundError, QiskitBackendNotFoundError),
        (errors.IonQGateError, JobError),
        (errors.IonQMidCircuitMeasurementError, JobError),
        (errors.IonQJobError, JobError),
        (errors.IonQJobFailureError, JobError),
        (errors.IonQJobStateError, JobError),
        (errors.IonQJobTimeoutError, JobTimeoutError),
    ],
)
def test_code_written_for_qiskit_catches_them(error, base):
    assert issubclass(error, base)


def test_retriable_errors_are_api_errors_of_their_own_type():
    error = errors.IonQRetriableError("m", status_code=429, retry_after_s=3, request_id="r")
    assert isinstance(error, errors.IonQAPIError)
    assert (error.status_code, error.retry_after_s, error.request_id) == (429, 3, "r")
    assert not isinstance(errors.IonQAPIError("m"), errors.IonQRetriableError)


def test_the_names_of_qiskit_ionq_are_here_with_its_bases():
    for name in exceptions.__all__:
        if hasattr(errors, name):
            theirs = [base.__name__ for base in getattr(exceptions, name).__mro__]
            ours = [base.__name__ for base in getattr(errors, name).__mro__]
            assert set(theirs) <= set(ours), name
    missing = set(exceptions.__all__) - {error.__name__ for error in ALL}
    assert missing == {"IonQPauliExponentialError", "IonQTranspileLevelWarning"}


def test_the_four_job_errors_are_siblings_as_in_qiskit_ionq():
    four = (
        errors.IonQJobError,
        errors.IonQJobFailureError,
        errors.IonQJobStateError,
        errors.IonQJobTimeoutError,
    )
    assert not any(a is not b and issubclass(a, b) for a in four for b in four)


@pytest.mark.parametrize("kind", ALL)
def test_every_error_has_the_attributes_of_the_response(kind):
    for name in ("status_code", "code", "request_id", "job_id"):
        assert hasattr(kind("text"), name)
