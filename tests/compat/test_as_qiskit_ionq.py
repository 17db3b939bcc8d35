"""A program written for qiskit-ionq, with one import changed: providers, jobs, results, sessions.

Each test is a user's program, run through both packages on the same fake.
"""

import importlib
import inspect

import pytest
import qiskit_ionq
from qiskit.exceptions import QiskitError
from qiskit.providers import BackendV2
from qiskit_ionq import ionq_backend, ionq_client, ionq_job, ionq_result

import ionq_toolkit
from ionq_toolkit import errors
from ionq_toolkit_fake import FakeIonQ, mock_ionq

# What qiskit-ionq warns of, and we do not.
pytestmark = [
    pytest.mark.filterwarnings("ignore::qiskit_ionq.exceptions.IonQTranspileLevelWarning"),
    pytest.mark.filterwarnings("ignore:Unable to retrieve result:UserWarning"),
]

# --- what there is ---------------------------------------------------------------------------


def test_what_can_be_imported_can_be_imported_here_but_for_the_optimizer_plugins():
    missing = set(qiskit_ionq.__all__) - set(ionq_toolkit.__all__)
    assert {name for name in missing if not name.startswith("TrappedIonOptimizerPlugin")} == set()


@pytest.mark.parametrize(
    ("theirs", "ours", "missing"),
    [
        (qiskit_ionq.IonQProvider, ionq_toolkit.IonQProvider, {"name"}),
        (ionq_backend.IonQBackend, ionq_toolkit.IonQBackend, {"basis_gates"}),
        (ionq_job.IonQJob, ionq_toolkit.IonQJob, set()),
        (ionq_result.IonQResult, ionq_toolkit.IonQResult, set()),
        (qiskit_ionq.Session, ionq_toolkit.Session, set()),
        (
            ionq_client.IonQClient,
            ionq_toolkit.IonQClient,
            {"api_headers", "make_path", "post", "put", "get_with_retry"}
            | {"get_calibration_data", "get_latest_calibration"},
        ),
    ],
)
def test_every_public_method_is_here_but_for_those_that_the_page_names(theirs, ours, missing):
    public = [{n for n in dir(kind) if not n.startswith("_")} for kind in (theirs, ours)]
    assert public[0] - public[1] == missing


def positional(function):
    return [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]


@pytest.mark.parametrize(
    "method",
    [
        "__init__",
        "get_counts",
        "get_probabilities",
        "get_memory",
        "status",
        "compiled_circuit",
        "wait_for_final_state",
        "result",
    ],
)
def test_a_job_takes_the_same_arguments_in_the_same_places(method):
    theirs, ours = (getattr(kind, method) for kind in (ionq_job.IonQJob, ionq_toolkit.IonQJob))
    assert positional(ours) == positional(theirs)


def test_a_provider_takes_key_and_url_and_a_backend_its_gateset_in_the_same_places():
    for method in ("__init__", "get_backend"):
        theirs, ours = (
            positional(getattr(kind, method))
            for kind in (qiskit_ionq.IonQProvider, ionq_toolkit.IonQProvider)
        )
        assert ours == [name for name in theirs if name != "custom_headers"]


def test_the_options_of_a_backend_have_the_same_defaults(simulator):
    defaults = {
        "shots": 1024,
        "memory": False,
        "noise_model": "ideal",
        "sampler_seed": None,
        "error_mitigation": None,
        "job_settings": None,
        "dry_run": False,
    }
    assert {key: simulator.options.get(key) for key in defaults} == defaults
    for key in ("extra_query_params", "extra_metadata"):
        assert not simulator.options.get(key)


def test_a_mitigation_is_the_same_value(package):
    assert {member.name: member.value for member in package.ErrorMitigation} == {
        "DEBIASING": {"debiasing": True},
        "NO_DEBIASING": {"debiasing": False},
    }


def test_key_and_url_are_read_from_one_variable_each(monkeypatch, tmp_path):
    """There, from several, and from a `.env` in the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("IONQ_API_KEY=of-the-file\nIONQ_API_URL=https://file.test\n")
    monkeypatch.setenv("QISKIT_IONQ_API_URL", "https://other.test/v0.4")
    monkeypatch.setenv("QISKIT_IONQ_API_TOKEN", "other")
    provider = ionq_toolkit.IonQProvider()
    assert provider.service.address == "https://api.ionq.co/v0.4"
    with pytest.raises(errors.IonQCredentialsError, match="IONQ_API_KEY"):
        _ = provider.client
    monkeypatch.setenv("IONQ_API_KEY", "mine")
    monkeypatch.setenv("IONQ_API_URL", "https://mine.test/v0.4")
    assert ionq_toolkit.IonQProvider().service.address == "https://mine.test/v0.4"


# --- backends --------------------------------------------------------------------------------


def test_a_backend_is_found_described_and_compared(get_backend):
    for written, called in (
        ("ionq_simulator", "ionq_simulator"),
        ("simulator", "ionq_simulator"),
        ("ionq_qpu.forte-1", "ionq_qpu.forte-1"),
        ("qpu.forte-1", "ionq_qpu.forte-1"),
    ):
        backend = get_backend(written)
        assert isinstance(backend, BackendV2)
        assert (backend.name, backend.gateset()) == (called, "qis")
        assert backend.num_qubits == {"ionq_simulator": 29, "ionq_qpu.forte-1": 36}[called]
        assert backend == get_backend(called)
        assert backend != get_backend(called, gateset="native")
        assert hash(backend) == hash(get_backend(called))
    assert get_backend("simulator") != get_backend("qpu.forte-1")


def test_a_backend_says_whether_it_is_there_and_how_good_it_was(simulator, forte):
    assert simulator.status() is True
    assert forte.status() is True
    assert simulator.calibration() is None
    measured = forte.calibration()
    assert (measured.backend, measured.qubits) == ("qpu.forte-1", 36)
    assert (measured.date.year, measured.date.month, measured.date.day) == (2026, 1, 1)
    assert len(measured.connectivity) == 36 * 35 // 2
    assert measured.median_spam_fidelity == 0.995989


def test_medians_are_themselves_and_not_within_another_dict():
    """There, `fidelity["1q"]` is a dict with the median in it."""
    with mock_ionq(FakeIonQ(seed=7)):
        theirs, ours = (
            package.IonQProvider("k").get_backend("qpu.forte-1").calibration().fidelity
            for package in (qiskit_ionq, ionq_toolkit)
        )
    assert {name: median["median"] for name, median in theirs.items()} == ours


def test_options_of_the_backend_hold_until_a_run_has_its_own(simulator, crossed):
    simulator.set_options(shots=20)
    assert simulator.options.shots == 20
    assert simulator.run(crossed).get_counts() == {"10": 20}
    assert simulator.run(crossed, shots=30).get_counts() == {"10": 30}


def test_a_simulators_native_gate_on_two_qubits_follows_the_noise(get_backend):
    backend = get_backend("ionq_simulator", gateset="native")
    for model, gate in (("forte-1", "zz"), ("aria-1", "ms"), ("forte-1", "zz")):
        backend.set_options(noise_model=model)
        assert {"gpi", "gpi2", "ms", "zz"} & set(backend.operation_names) == {"gpi", "gpi2", gate}


def test_circuits_without_a_measurement_are_sent_there_and_refused_here(crossed):
    crossed.remove_final_measurements()
    with mock_ionq(FakeIonQ(seed=7)) as cloud:
        with pytest.warns(UserWarning, match="not measuring"):
            qiskit_ionq.IonQProvider("k").get_backend("ionq_simulator").run(crossed)
        assert len(cloud.jobs) == 1
        with pytest.raises(errors.IonQJobError, match="measure_all"):
            ionq_toolkit.IonQProvider("k").get_backend("ionq_simulator").run(crossed)
        assert len(cloud.jobs) == 1


def test_every_pair_can_be_coupled_where_there_is_no_map():
    """There, the map is a list of all pairs; for Qiskit, no map is the same."""
    backend = ionq_toolkit.IonQProvider("k").get_backend("ionq_qpu.forte-1")
    assert backend.coupling_map is None


# --- what goes wrong -------------------------------------------------------------------------


def test_a_refusal_has_the_status_and_the_type_of_ionq(simulator, exceptions):
    with pytest.raises(exceptions.IonQAPIError, match="not found") as caught:
        simulator.retrieve_job("no-such-job")
    assert isinstance(caught.value, QiskitError)
    assert caught.value.status_code == 404
    assert caught.value.error_type


def test_a_refusal_keeps_ionqs_words_apart_and_neither_headers_nor_body():
    with mock_ionq(FakeIonQ(seed=7)):
        refusals = []
        for package, error in (
            (qiskit_ionq, importlib.import_module("qiskit_ionq.exceptions").IonQAPIError),
            (ionq_toolkit, errors.IonQAPIError),
        ):
            backend = package.IonQProvider("k").get_backend("ionq_simulator")
            with pytest.raises(error) as caught:
                backend.retrieve_job("no-such-job")
            refusals.append(caught.value)
    theirs, ours = refusals
    assert ours.detail == theirs.message
    assert theirs.message in ours.message
    assert not hasattr(ours, "headers")
    assert not hasattr(ours, "body")


# --- sessions --------------------------------------------------------------------------------


def test_a_session_has_what_its_backend_runs_and_is_ended(package, forte, crossed):
    before = forte.run(crossed)
    with package.Session(backend=forte, max_jobs=5, max_time=10, max_cost=1000) as session:
        inside, named = forte.run(crossed), session.run(crossed, shots=5)
        assert session.details()["id"] == session.session_id
    after = forte.run(crossed)
    sessions = [
        forte.client.retrieve_job(job.job_id()).get("session_id")
        for job in (before, inside, named, after)
    ]
    assert sessions == [None, session.session_id, session.session_id, None]
    settings = session.details()["settings"]
    assert settings["job_count_limit"] == 5
    assert settings["duration_limit_min"] == 10
    assert settings["cost_limit"] == {"unit": "usd", "value": 1000}
    assert session.details()["status"] == "ended"


def test_a_session_is_taken_up_by_its_id(package, forte):
    made = package.Session(backend=forte)
    taken_up = package.Session.from_id(made.session_id, backend=forte)
    assert taken_up.session_id == made.session_id
    taken_up.close()
    assert made.details()["status"] == "ended"


def test_an_error_in_a_session_is_let_through_and_ends_it(package, forte):
    with pytest.raises(ZeroDivisionError), package.Session(forte) as session:
        1 / 0  # noqa: B018
    assert session.details()["status"] == "ended"


@pytest.mark.parametrize("session_id", [None, ""])
def test_a_session_that_is_neither_made_nor_named_is_an_error(package, forte, session_id):
    """There it is a ValueError."""
    error = ValueError if package is qiskit_ionq else errors.IonQError
    with pytest.raises(error):
        package.Session(forte, create_new=False, session_id=session_id)
