"""Options of a run: what is taken, what is refused before anything is sent, and what to do."""

import enum
import math

import numpy as np
import pytest

from ionq_toolkit import ErrorMitigation, errors
from ionq_toolkit.devices import find_device
from ionq_toolkit.job import options

SIMULATOR, FORTE = find_device("simulator"), find_device("forte-1")


def check(device=SIMULATOR, **given):
    return options.check({**options.DEFAULTS, "gateset": "qis", **given}, device)


def test_the_defaults_are_options_that_every_backend_takes():
    for device in (SIMULATOR, FORTE):
        checked = check(device)
        assert (checked.shots, checked.memory, checked.seed) == (1024, False, None)
        assert (checked.noise_model, checked.settings, checked.debiasing) == ("ideal", {}, None)


@pytest.mark.parametrize(
    ("device", "given", "complaint"),
    [
        (SIMULATOR, {"shot": 7}, r"no option 'shot'. Did you mean 'shots'\? There are: .*shots"),
        (SIMULATOR, {"noise_modle": "aria-1"}, r"Did you mean 'noise_model'\?"),
        (SIMULATOR, {"Memory": True}, r"Did you mean 'memory'\?"),
        (SIMULATOR, {"qqqq": True}, r"no option 'qqqq'. There are"),
        (SIMULATOR, {"shots": 0}, "whole number from 1 to 1,000,000, not 0"),
        (SIMULATOR, {"shots": -5}, "not -5"),
        (SIMULATOR, {"shots": 1_000_001}, "not 1000001"),
        (SIMULATOR, {"shots": 1.5}, "not 1.5"),
        (SIMULATOR, {"shots": "100"}, "not '100'"),
        (SIMULATOR, {"shots": True}, "not True"),
        (SIMULATOR, {"shots": None}, "not None"),
        (FORTE, {"shots": 0}, "not 0"),
        (FORTE, {"shots": 10_001}, r"ionq_qpu.forte-1 takes 10,000 shots a job.*Split"),
        (SIMULATOR, {"memory": 1}, "memory must be True or False"),
        (SIMULATOR, {"dry_run": "yes"}, "dry_run must be True or False"),
        (SIMULATOR, {"seed_simulator": -1}, "seed_simulator must be"),
        (SIMULATOR, {"sampler_seed": 2**63}, "sampler_seed must be"),
        (SIMULATOR, {"seed_simulator": 1, "sampler_seed": 2}, "differ"),
        (SIMULATOR, {"noise_model": "aria1"}, r"Did you mean 'aria-1'\?"),
        (SIMULATOR, {"noise_model": "Aria-1"}, r"Did you mean 'aria-1'\?"),
        (SIMULATOR, {"noise_model": 3}, "must be one of ideal, harmony"),
        (FORTE, {"noise_model": "forte-1"}, "is for the simulator"),
        (SIMULATOR, {"error_mitigation": True}, "QPUs only, not on ionq_simulator"),
        (SIMULATOR, {"error_mitigation": ErrorMitigation.DEBIASING}, "QPUs only"),
        (SIMULATOR, {"error_mitigation": {"symmetry_verification": True}}, "QPUs only"),
        (FORTE, {"error_mitigation": True, "shots": 499}, "at least 500 shots, not 499: ask"),
        (FORTE, {"error_mitigation": {"debias": True}}, r"Did you mean 'debiasing'\?"),
        (FORTE, {"error_mitigation": {"debiasing": 1}}, "debiasing must be True or False"),
        (FORTE, {"error_mitigation": "debiasing"}, "is an ErrorMitigation, True, False, or a dict"),
        (FORTE, {"job_settings": {"error_mitigation": {"debias": False}}}, "'debiasing'"),
        (FORTE, {"job_settings": {"error_mitigation": True}, "shots": 100}, "at least 500"),
        (FORTE, {"job_settings": [1]}, r"job_settings must be a dict .*not \[1\]"),
        (FORTE, {"job_settings": {1: 2}}, "dict with str keys"),
        (FORTE, {"job_settings": {"compilation": {"opt": {1}}}}, "cannot be sent as JSON"),
        (FORTE, {"job_settings": {"compilation": {"opt": np.nan}}}, "cannot be sent as JSON"),
        (FORTE, {"job_settings": {"compilaton": {}}}, r"Did you mean 'compilation'\?"),
        (FORTE, {"job_settings": {"compilation": {"opts": 1}}}, r"Did you mean 'opt'\?"),
        (FORTE, {"job_settings": {"compilation": "fast"}}, "'compilation'.*must be a dict"),
        (SIMULATOR, {"session_id": ""}, "session_id must be a str that is not empty"),
        (SIMULATOR, {"session_id": 7}, "session_id must be a str"),
        (SIMULATOR, {"name": 7}, "name must be a str"),
        (SIMULATOR, {"gateset": "nativ"}, r"Did you mean 'native'\?"),
        (SIMULATOR, {"extra_query_params": {"shots": 5}}, "not set 'shots': use the option shots"),
        (SIMULATOR, {"extra_query_params": {"noise": {}}}, "use the option noise_model"),
        (FORTE, {"extra_query_params": {"error_mitigation": {"debias": False}}}, "use the option"),
        (SIMULATOR, {"extra_query_params": {"target": "qpu.forte-1"}}, "follows from circuit"),
        (SIMULATOR, {"compiler_synthesis": 1}, "compiler_synthesis must be True or False"),
        (SIMULATOR, {"extra_query_params": {"input": {}}}, "follows from circuit and backend"),
        (SIMULATOR, {"extra_query_params": {"x": object()}}, "cannot be sent as JSON"),
        (SIMULATOR, {"extra_metadata": {"shots": "7"}}, "not set 'shots', by which"),
        (SIMULATOR, {"extra_metadata": {"qiskit_header": ""}}, "choose another name"),
        (SIMULATOR, {"extra_metadata": {"memory": "true"}}, "not set 'memory'"),
        (SIMULATOR, {"extra_metadata": {"toolkit_tag": "mine"}}, "or the job is found"),
        (SIMULATOR, {"extra_metadata": {"run": 7}}, r"\['run'\] must be a str, not 7"),
        (SIMULATOR, {"extra_metadata": {"k" * 41: ""}}, "up to 40 characters.*has 41"),
        (SIMULATOR, {"extra_metadata": {"k": "v" * 40_001}}, "up to 40,000; 'k' has 1 and 40,001"),
        (SIMULATOR, {"extra_metadata": {f"k{n}": "" for n in range(6)}}, "6 keys: IonQ keeps 10"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(device, given, complaint):
    with pytest.raises(errors.IonQBackendError, match=complaint):
        check(device, **given)


@pytest.mark.parametrize(
    ("given", "attribute", "value"),
    [
        ({"shots": np.int64(50)}, "shots", 50),
        ({"shots": np.uint8(50)}, "shots", 50),
        ({"memory": np.bool_(True)}, "memory", True),
        ({"seed_simulator": np.int32(7)}, "seed", 7),
        ({"sampler_seed": 0}, "seed", 0),
        ({"seed_simulator": 3, "sampler_seed": 3}, "seed", 3),
        ({"noise_model": None}, "noise_model", "ideal"),
        ({"noise_model": "forte-1"}, "noise_model", "forte-1"),
        ({"error_mitigation": False}, "debiasing", False),
        ({"extra_metadata": {"k" * 40: "v" * 40_000}}, "extra_metadata", {"k" * 40: "v" * 40_000}),
        ({"extra_query_params": {"parent": None}}, "extra_fields", {"parent": None}),
    ],
)
def test_what_can_be_is_taken(given, attribute, value):
    taken = getattr(check(**given), attribute)
    assert taken == value
    assert type(taken) is type(value)


@pytest.mark.parametrize(
    ("mitigation", "sent"),
    [
        (True, {"debiasing": True}),
        (False, {"debiasing": False}),
        (ErrorMitigation.DEBIASING, {"debiasing": True}),
        (ErrorMitigation.NO_DEBIASING, {"debiasing": False}),
        ({"debiasing": False, "symmetry_verification": True}, None),
        (None, {}),
    ],
)
def test_error_mitigation_is_given_in_any_of_its_forms(mitigation, sent):
    settings = check(FORTE, error_mitigation=mitigation).settings
    assert settings.get("error_mitigation", {}) == (mitigation if sent is None else sent)


def test_the_option_of_mitigation_wins_over_the_settings_and_leaves_the_rest():
    asked = {
        "compilation": {"opt": 0},
        "error_mitigation": {"debiasing": True, "symmetry_verification": True},
    }
    checked = check(FORTE, job_settings=asked, error_mitigation=False)
    assert checked.settings == {
        "compilation": {"opt": 0},
        "error_mitigation": {"debiasing": False, "symmetry_verification": True},
    }
    assert asked["error_mitigation"]["debiasing"]  # what the caller gave is left as it is


class _Level(enum.IntEnum):
    KERNELED, CLASSIFIED = 1, 2


class _Return(enum.StrEnum):
    AVERAGE = "avg"


@pytest.mark.parametrize(
    ("name", "taken", "refused", "reason"),
    [
        ("meas_level", [2, _Level.CLASSIFIED, np.int64(2)], [0, 1, _Level.KERNELED, "2"], "counts"),
        ("meas_return", ["avg", "single", _Return.AVERAGE], ["all", 1], "'avg' or 'single'"),
        ("init_qubits", [True, np.True_], [False], "begin in 0"),
        ("rep_delay", [0, 1e-4, np.float64(250)], [-1.0, math.nan, "1"], "seconds"),
        ("rep_time", [0.5], [-1], "seconds"),
        ("parameter_binds", [[], [{}]], [[{"theta": [1.0]}]], "assign_parameters"),
        ("use_measure_esp", [False], [True], "one way"),
        ("dynamic", [True, False], ["yes"], "True or False"),
        ("schedule_los", [[]], [[{0: 5e9}]], "no pulses"),
        ("meas_lo_freq", [[]], [[7e9]], "no pulses"),
    ],
)
def test_options_of_qiskit_that_ask_for_nothing_are_taken(name, taken, refused, reason, backend):
    # Qiskit's names and values: qiskit.result.models, qiskit-experiments' run options, and the
    # documentation of IBM's backend.run. Bare Aer takes and ignores them.
    plain = check()
    for value in (None, *taken):
        assert check(**{name: value}) == plain
        backend.set_options(**{name: value})
        assert not hasattr(backend.options, name)
    for value in refused:
        with pytest.raises(errors.IonQBackendError, match=rf"{name}=.* cannot be had: .*{reason}"):
            check(**{name: value})
        with pytest.raises(errors.IonQBackendError, match="cannot be had"):
            backend.set_options(**{name: value})


# --- options of a backend ----------------------------------------------------------------------


def test_options_of_the_backend_hold_for_its_runs(backend, bell):
    backend.set_options(shots=33)
    assert sum(backend.run(bell).get_counts().values()) == 33
    assert sum(backend.run(bell, shots=44).get_counts().values()) == 44


def test_options_of_the_backend_are_checked_when_they_are_set(backend):
    with pytest.raises(errors.IonQBackendError, match=r"Did you mean 'shots'\?"):
        backend.set_options(shot=5)
    with pytest.raises(errors.IonQBackendError, match="not 0"):
        backend.set_options(shots=0)
    with pytest.raises(errors.IonQBackendError, match="no option 'gateset'"):
        backend.set_options(gateset="native")
    assert backend.options.shots == 1024


def test_options_that_were_set_past_the_check_are_checked_at_the_run(backend, bell, cloud):
    backend.options.shots = 0
    with pytest.raises(errors.IonQBackendError, match="not 0"):
        backend.run(bell)
    backend.options.update_options(shots=1, shot=5)
    with pytest.raises(errors.IonQBackendError, match="no option 'shot'"):
        backend.run(bell)
    assert cloud.jobs == []


def test_backends_do_not_share_their_options(provider):
    provider.get_backend("simulator").set_options(shots=5)
    assert provider.get_backend("simulator").options.shots == 1024


def test_options_are_checked_before_anything_is_sent(backend, cloud, bell):
    given = {"shots": 5, "noise_modle": "aria-1"}
    with pytest.raises(errors.IonQBackendError, match="noise_model"):
        backend.run(bell, **given)
    assert cloud.jobs == []
    assert given == {"shots": 5, "noise_modle": "aria-1"}
