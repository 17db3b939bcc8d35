"""API keys in the environment while a scope is active."""

import os
import threading

import dotenv
import pytest
import requests

from ionq_toolkit_fake import FakeIonQ, mock_ionq
from ionq_toolkit_fake.intercept.keys import FAKE_KEY, KEYS, URLS

REAL = {name: f"the-real-{name}" for name in (*KEYS, *URLS)}


@pytest.fixture
def real(monkeypatch):
    for name, value in REAL.items():
        monkeypatch.setenv(name, value)


def environment():
    return {name: os.environ.get(name) for name in (*KEYS, *URLS)}


FAKED = {**dict.fromkeys(KEYS, FAKE_KEY), **dict.fromkeys(URLS)}


@pytest.mark.usefixtures("real")
def test_every_variable_has_a_fake_key_and_the_real_ones_come_back():
    @mock_ionq
    def fail():
        assert environment() == FAKED
        raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert environment() == REAL


def test_variables_that_were_not_set_are_not_set_afterwards():
    with mock_ionq():
        assert environment() == FAKED
    assert environment() == dict.fromkeys(REAL)


@pytest.mark.usefixtures("real")
def test_without_a_key_the_environment_stays():
    with mock_ionq(key=None):
        assert environment() == REAL


@pytest.mark.usefixtures("real")
def test_scopes_may_be_nested_and_end_in_any_order():
    outer, inner = mock_ionq(key="outer"), mock_ionq(key="inner")
    with outer:
        assert os.environ["IONQ_API_KEY"] == "outer"
        inner.__enter__()
        assert os.environ["IONQ_API_KEY"] == "inner"
    assert os.environ["IONQ_API_KEY"] == "inner"
    inner.__exit__(None, None, None)
    assert environment() == REAL


@pytest.mark.usefixtures("real")
def test_threads_share_the_environment_until_the_last_one_ends():
    barrier = threading.Barrier(4, timeout=30)
    found = []

    @mock_ionq
    def look(place):
        barrier.wait()
        found.append(os.environ["IONQ_API_KEY"])

    threads = [threading.Thread(target=look, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [FAKE_KEY] * 4
    assert environment() == REAL


def whoami():
    header = {"Authorization": f"apiKey {os.environ['IONQ_API_KEY']}"}
    return requests.get("https://api.ionq.co/v0.4/whoami", headers=header, timeout=5).status_code


def test_the_key_is_one_that_the_cloud_takes():
    with mock_ionq(keys={"alices-key": "physics"}):
        assert whoami() == 200
    with mock_ionq(FakeIonQ(keys={"alices-key": "physics"})):
        assert whoami() == 401
    with mock_ionq(FakeIonQ(keys={"alices-key": "physics"}), key="alices-key"):
        assert whoami() == 200


@pytest.mark.parametrize("key", ["", " ", 3, "a\0b"])
def test_a_key_that_is_none_is_refused(key):
    with pytest.raises(ValueError, match="key must be a text"):
        mock_ionq(key=key)


def test_a_key_that_no_environment_can_have_is_refused():
    with pytest.raises(UnicodeEncodeError):
        mock_ionq(key="\ud800")


def test_a_key_is_not_shown():
    assert "very-secret" not in repr(mock_ionq(key="very-secret"))


def test_a_setting_of_the_test_that_is_undone_too_late_leaves_no_fake_key(real):
    """As `@mock_ionq def test(monkeypatch)` does it: pytest undoes it after the scope."""
    with pytest.MonkeyPatch.context() as late:
        with mock_ionq():
            late.setenv("IONQ_API_KEY", "of-the-test")
        assert environment() == REAL
    with mock_ionq():
        pass
    assert environment() == REAL


def test_a_key_in_a_file_env_is_masked_too(tmp_path):
    """qiskit-ionq asks `dotenv_values()` before the environment."""
    path = tmp_path / ".env"
    path.write_text("IONQ_API_KEY=real\nIONQ_API_URL=https://elsewhere.example\nOTHER=mine\n")
    with mock_ionq():
        assert dict(dotenv.dotenv_values(path)) == {"IONQ_API_KEY": FAKE_KEY, "OTHER": "mine"}
        dotenv.load_dotenv(path, override=True)
        assert os.environ["IONQ_API_KEY"] == FAKE_KEY
    os.environ.pop("OTHER")
    assert dotenv.dotenv_values(path)["IONQ_API_KEY"] == "real"
