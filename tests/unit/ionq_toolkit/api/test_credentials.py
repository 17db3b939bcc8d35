"""API keys: where they come from, who else can read them, and where they never are."""

import copy
import gc
import logging
import os
import pickle
import stat
import traceback
import types
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from clouds import RECORD
from qiskit import QuantumCircuit

from ionq_toolkit import (
    HttpTransport,
    InProcessTransport,
    IonQClient,
    IonQJob,
    IonQProvider,
    errors,
)
from ionq_toolkit.api.credentials import ApiKey
from ionq_toolkit_fake import FakeIonQ, FakeServer

KEY = "s3cret-key-of-somebody"


@pytest.fixture
def key_file(tmp_path, monkeypatch):
    """Return a function that writes the key file."""
    path = tmp_path / ".ionq"
    monkeypatch.setattr("ionq_toolkit.api.credentials.KEY_FILE", "~/.ionq")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    def write(content, mode=0o600):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return path

    return write


def found():
    """Return the key that a provider finds."""
    with IonQProvider() as provider:
        return provider.client._key.reveal()


# --- where they come from --------------------------------------------------------------------


def test_find_key_without_a_home_directory_raises(monkeypatch):
    def nobody(_):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("pathlib.Path.expanduser", nobody)
    with pytest.raises(errors.IonQCredentialsError, match="no home directory is known"):
        found()


def test_a_key_is_the_argument_then_the_variable_then_the_file(key_file, monkeypatch):
    key_file(f"IONQ_API_KEY={KEY}\n")
    assert found() == KEY
    monkeypatch.setenv("IONQ_API_KEY", "  ")
    assert found() == KEY
    monkeypatch.setenv("IONQ_API_KEY", "from-environment")
    assert found() == "from-environment"
    with IonQProvider("given") as provider:
        assert provider.client._key.reveal() == "given"


@pytest.mark.parametrize(
    "content",
    [
        f"IONQ_API_KEY={KEY}",
        f"export IONQ_API_KEY={KEY}\n",
        f'# mine\n\nIONQ_API_KEY = "{KEY}"\r\nOTHER=1\n',
        f"IONQ_API_KEY='{KEY}'",
        f"IONQ_API_KEY={KEY} # of the laboratory",
        f'IONQ_API_KEY="{KEY}"  # of the laboratory',
        f"IONQ_API_KEY=old\nIONQ_API_KEY={KEY}\n",
        b"\xef\xbb\xbfIONQ_API_KEY=" + KEY.encode(),
        b"# \xff\nIONQ_API_KEY=" + KEY.encode(),
    ],
)
def test_the_file_has_lines_as_a_shell_reads_them(key_file, content):
    key_file(content)
    assert found() == KEY


@pytest.mark.parametrize(
    "content",
    ["", KEY, "ionq_api_key=x", "IONQ_API_KEY=", "IONQ_API_KEY=''", "#IONQ_API_KEY=x", "X=1"],
)
def test_a_key_file_without_a_key_is_named_and_not_shown(key_file, content):
    path = key_file(content)
    with pytest.raises(errors.IonQCredentialsError, match="no line IONQ_API_KEY") as caught:
        found()
    assert str(path) in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o602, 0o610])
def test_a_file_that_others_can_use_is_refused(key_file, mode):
    path = key_file(f"IONQ_API_KEY={KEY}", mode)
    with pytest.raises(errors.IonQCredentialsError, match=f"mode {mode:o}.*chmod 600") as caught:
        found()
    assert KEY not in str(caught.value)
    path.chmod(stat.S_IRUSR)
    assert found() == KEY


def test_a_file_that_others_can_use_is_not_looked_at_where_the_key_is_elsewhere(
    key_file, monkeypatch
):
    key_file("IONQ_API_KEY=other", 0o644)
    monkeypatch.setenv("IONQ_API_KEY", KEY)
    assert found() == KEY


def test_a_missing_key_file_is_suggested(key_file):
    with pytest.raises(errors.IonQCredentialsError, match=r"IONQ_API_KEY=\.\.\. into ~/\.ionq"):
        found()


def test_a_directory_of_that_name_is_no_key_file(key_file, tmp_path):
    (tmp_path / ".ionq").mkdir()
    with pytest.raises(errors.IonQCredentialsError, match="There is no API key"):
        found()


def test_an_unreadable_key_file_is_named(key_file, tmp_path):
    (tmp_path / ".ionq").symlink_to(tmp_path / ".ionq")
    with pytest.raises(errors.IonQCredentialsError, match="cannot be read"):
        found()


def test_a_key_that_no_header_can_carry_is_refused_with_its_place_and_without_showing_it(key_file):
    path = key_file("IONQ_API_KEY=\u043a\u043b\u044e\u0447")
    with pytest.raises(errors.IonQCredentialsError, match="characters") as caught:
        found()
    assert str(path) in str(caught.value)
    assert "\u043a" not in str(caught.value)


def test_a_cloud_in_this_process_is_not_given_the_key_of_the_file(key_file, scripted):
    key_file(f"IONQ_API_KEY={KEY}")
    cloud = scripted((200, []))
    IonQProvider(transport=InProcessTransport(cloud)).client.get_backends()
    assert KEY not in str(cloud.requests)


# --- without TLS -----------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["http://api.ionq.co/v0.4", "http://192.0.2.1/v0.4"])
def test_a_url_without_tls_on_another_machine_is_refused_unless_it_is_allowed(monkeypatch, url):
    for give in (lambda: IonQProvider(KEY, url), lambda: IonQProvider(KEY)):
        with pytest.raises(errors.IonQCredentialsError, match="allow_insecure=True") as caught:
            give()
        assert KEY not in str(caught.value)
        monkeypatch.setenv("IONQ_API_URL", url)
    with IonQProvider(KEY, url, allow_insecure=True) as provider:
        assert provider.client.url == url
        assert provider.client.transport.inner.allow_insecure


@pytest.mark.parametrize("named", ["192.0.2.1", "elsewhere.test, LAB.test.", "[2001:db8::0:1]"])
def test_a_key_goes_without_tls_to_a_host_that_is_named_and_to_no_other(monkeypatch, named):
    hosts = {"192.0.2.1", "lab.test", "[2001:db8::1]", "lab.test.evil.test", "evil-lab.test"}
    allowed = {"192.0.2.1": "192.0.2.1", "elsewhere.test, LAB.test.": "lab.test"}
    allowed = allowed.get(named, "[2001:db8::1]")
    for host in hosts - {allowed}:
        with pytest.raises(errors.IonQCredentialsError, match=r"IONQ_ALLOW_HTTP=.*allow_http="):
            IonQProvider(KEY, f"http://{host}:8080/v0.4", allow_http=named)
    url = f"http://{allowed}:8080/v0.4"
    IonQProvider(KEY, url, allow_http=named).close()
    IonQProvider(KEY, url, transport=HttpTransport(allow_http=named.split(","))).close()
    monkeypatch.setenv("IONQ_ALLOW_HTTP", named)
    IonQProvider(KEY, url).close()
    IonQProvider(KEY, url, transport=HttpTransport()).close()
    with pytest.raises(errors.IonQCredentialsError, match="allow_http="):
        IonQProvider(KEY, url, allow_http=())  # an argument goes before the environment


@pytest.mark.parametrize("wrong", ["http://lab.test", "lab.test:8080", "*", "*.lab.test", "a/b", 7])
def test_what_is_not_the_name_of_one_host_is_refused(monkeypatch, wrong):
    with pytest.raises(errors.IonQClientError, match=r"allow_http=.*has .*of one host"):
        IonQProvider(KEY, allow_http=[wrong])
    with pytest.raises(ValueError, match="name each by itself"):
        HttpTransport(allow_http=[wrong])
    monkeypatch.setenv("IONQ_ALLOW_HTTP", str(wrong))
    if wrong != 7:
        with pytest.raises(errors.IonQClientError, match="IONQ_ALLOW_HTTP has"):
            IonQProvider(KEY)


def test_a_client_sends_nothing_to_an_insecure_url():
    client = IonQClient(KEY, "http://192.0.2.1/v0.4", HttpTransport())
    with pytest.raises(errors.IonQConnectionError, match="allow_insecure=True") as caught:
        client.submit_job({})
    assert "taken effect" not in str(caught.value)
    client.close()


# --- where they never are --------------------------------------------------------------------


def test_a_key_has_no_repr_and_is_in_no_pickle():
    key = ApiKey(KEY)
    assert KEY not in repr(key) + str(key) + f"{key!s:s}" + repr([key])
    assert KEY.encode() not in pickle.dumps(key)
    assert copy.copy(key) is copy.deepcopy(key) is key


def pickles_of(provider):
    """Everything that a worker may be handed."""
    job = IonQJob(provider.get_backend("simulator"), "j")
    return [pickle.dumps(thing) for thing in (provider, provider.client, job.backend(), job)]


def key_of(packed, times=1):
    """The key that an unpickled thing sends; `times`: how often it was pickled."""
    for _ in range(times - 1):
        packed = pickle.dumps(pickle.loads(packed))
    thing = pickle.loads(packed)
    client = getattr(thing, "client", thing)
    return getattr(client, "_client", client)._key.reveal()


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("source", ["given", "environment", "file"])
def test_a_pickle_takes_the_key_that_it_was_made_with_and_no_other(
    monkeypatch, key_file, source, times
):
    """Another key would let another account pay."""
    keep, file = (lambda key: key_file(f"IONQ_API_KEY={key}")), key_file("")
    if source == "environment":
        monkeypatch.setenv("IONQ_API_KEY", KEY)
    elif source == "file":
        keep(KEY)
    with IonQProvider(KEY if source == "given" else None) as provider:
        unused = pickle.dumps(provider)
        pickles = [unused, *pickles_of(provider)]
    assert not [one for one in pickles if KEY.encode() in one or KEY[:10].encode() in one]
    for wrong in ("the-key-over-there", KEY + "x", KEY.swapcase()):
        monkeypatch.setenv("IONQ_API_KEY", wrong)
        for packed in pickles:
            with pytest.raises(errors.IonQCredentialsError, match="another account") as caught:
                key_of(packed, times)
            assert wrong not in str(caught.value)
        monkeypatch.delenv("IONQ_API_KEY")
        keep(wrong)
        with pytest.raises(errors.IonQCredentialsError, match="another key in IONQ_API_KEY or"):
            key_of(unused, times)
    file.unlink()
    with pytest.raises(errors.IonQCredentialsError, match="This process has no API key"):
        key_of(unused, times)
    keep(KEY)
    assert {key_of(packed, times) for packed in pickles} == {KEY}
    file.unlink()
    monkeypatch.setenv("IONQ_API_KEY", f" {KEY} ")
    assert {key_of(packed, times) for packed in pickles} == {KEY}


def test_a_pickle_with_another_key_sends_nothing(bell, monkeypatch):
    monkeypatch.setenv("IONQ_API_KEY", "the-key-of-the-group")
    cloud = FakeIonQ(seed=1)
    with FakeServer(cloud) as server, IonQProvider(KEY, server.url) as provider:
        backend = pickle.loads(pickle.dumps(provider.get_backend("simulator")))
        with pytest.raises(errors.IonQCredentialsError):
            backend.run(bell)
        used = provider.get_backend("simulator")
        used.run(bell)
        with pytest.raises(errors.IonQCredentialsError):
            pickle.loads(pickle.dumps(used)).run(bell)
    assert len(cloud.requests) == 1


def test_a_pickle_made_without_any_key_finds_one_where_it_is_read(monkeypatch):
    packed = pickle.dumps(IonQProvider())
    with pytest.raises(errors.IonQCredentialsError, match="There is no API key"):
        key_of(packed)
    monkeypatch.setenv("IONQ_API_KEY", "the-key-over-there")
    assert key_of(packed) == "the-key-over-there"
    assert pickle.loads(packed).client.redact("nothing to hide") == "nothing to hide"


def test_digests_in_pickles_do_not_tell_that_two_have_the_same_key():
    """Nor can a key be found by its digest: each has a salt of its own, and few bytes."""
    assert pickle.dumps(ApiKey(KEY)) != pickle.dumps(ApiKey(KEY))
    same = ApiKey(KEY)
    assert pickle.dumps(same) == pickle.dumps(same)


def work_of(backend):
    """In a worker process: submit a job, or say why not."""
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    try:
        return backend.run(circuit, shots=5).get_counts()
    except errors.IonQCredentialsError as error:
        return str(error)


@pytest.mark.slow
def test_a_worker_process_uses_the_same_key_or_none(monkeypatch):
    cloud = FakeIonQ(keys={KEY: "ours", "key-of-the-group": "theirs"})
    with FakeServer(cloud) as server, IonQProvider(KEY, server.url) as provider:
        backend = provider.get_backend("simulator")
        for key, count in (("key-of-the-group", 0), (KEY, 1)):
            monkeypatch.setenv("IONQ_API_KEY", key)
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                found = pool.submit(work_of, backend).result()
            assert found == {"0": 5} if count else "another account must not pay" in found
            assert len(cloud.jobs) == count


def test_a_placeholder_key_is_pickled():
    key = pickle.loads(pickle.dumps(ApiKey("no-key-needed", secret=False)))
    assert key.reveal() == "no-key-needed"
    assert pickle.loads(pickle.dumps(key)).reveal() == "no-key-needed"


class Echo:
    """A cloud that echoes the key in everything that it answers or raises."""

    def __init__(self, reply):
        self.reply = reply

    def handle(self, method, url, headers, body, timeout):
        if isinstance(self.reply, Exception):
            raise type(self.reply)(f"{headers}")
        status, content = self.reply
        echoed = {name: f"{value} {KEY}" for name, value in headers.items()}
        return status, {**echoed, "X-Request-Id": KEY, "Content-Type": KEY}, content


ECHOES = [
    *((status, f'{{"message": "{KEY}"}}'.encode()) for status in (400, 401, 429, 500, 503)),
    (400, f'{{"error": {{"type": "{KEY}", "message": "x", "code": "{KEY}"}}}}'.encode()),
    (200, KEY.encode()),
    (200, f'{{"id": "job-1", "status": "{KEY}", "warning": {{"messages": ["{KEY}"]}}}}'.encode()),
    (200, f'{{"status": "failed", "failure": {{"code": "{KEY}", "message": "{KEY}"}}}}'.encode()),
    ConnectionResetError(),
    ConnectionRefusedError(),
    TimeoutError(),
]


def strings_of(thing, seen):
    """Yield every text that can be reached from an error, frames and the record itself aside."""
    if id(thing) in seen or isinstance(
        thing, type | types.ModuleType | types.FrameType | types.TracebackType
    ):
        return
    seen[id(thing)] = thing
    if isinstance(thing, str | bytes):
        yield thing if isinstance(thing, str) else thing.decode("latin-1")
        return
    yield repr(thing)
    if isinstance(thing, BaseException):
        inner = [thing.args, vars(thing), thing.__cause__, thing.__context__]
    elif isinstance(thing, dict):
        inner = [*thing, *thing.values()]
    elif isinstance(thing, list | tuple | set | frozenset):
        inner = list(thing)
    else:
        inner = [getattr(thing, "__dict__", None)]
    for one in inner:
        yield from strings_of(one, seen)


@pytest.mark.parametrize("reply", ECHOES, ids=str)
def test_a_key_is_in_no_error_log_or_event(reply, caplog, instant_clock, bell):
    caplog.set_level(logging.DEBUG)
    told = []

    class Networked(InProcessTransport):
        requires_key = True

    provider = IonQProvider(
        KEY, transport=Networked(Echo(reply)), clock=instant_clock, seed=1, on_event=told.append
    )
    backend = provider.get_backend("simulator")
    calls = [
        lambda: backend.run(bell),
        lambda: IonQJob(backend, "job-1").result(timeout=3),
        lambda: IonQJob(backend, "job-1").status(),
        lambda: IonQJob(backend, "job-1").error_message(),
        lambda: list(provider.client.list_jobs()),
        provider.client.get_backends,
    ]
    shown = [repr(provider), repr(provider.client), repr(backend)]
    raised = 0
    for call in calls:
        try:
            shown.append(repr(call()))
        except errors.IonQError as error:
            raised += 1
            shown += strings_of(error, {})
            shown += traceback.format_exception(error)
            shown.append(pickle.dumps(error).decode("latin-1"))
    assert raised >= 3
    shown += [repr(event) for event in told]
    shown += [text for record in caplog.records for text in strings_of(vars(record), {})]
    leaks = [text for text in shown if KEY in text]
    assert not leaks


def test_a_key_is_in_no_network_error_or_log(caplog, instant_clock):
    caplog.set_level(logging.DEBUG)
    with IonQProvider(KEY, "http://127.0.0.1:9/v0.4", clock=instant_clock, seed=1) as provider:
        with pytest.raises(errors.IonQConnectionError) as caught:
            provider.client.get_backends()
        shown = [*strings_of(caught.value, {}), caplog.text, repr(gc.get_referents(provider))]
    assert len(shown) > 10
    assert not [text for text in shown if KEY in text]


def test_a_job_that_went_well_leaves_the_key_nowhere_but_in_its_header(
    scripted, caplog, instant_clock
):
    caplog.set_level(logging.DEBUG)

    class Networked(InProcessTransport):
        requires_key = True

    cloud = scripted((200, RECORD), (200, {"0": 1}))
    provider = IonQProvider(KEY, transport=Networked(cloud), clock=instant_clock)
    job = IonQJob(provider.get_backend("simulator"), "job-1")
    shown = [repr(job.result().to_dict()), repr(job), repr(job.metadata), caplog.text]
    assert not [text for text in shown if KEY in text]
    assert all(headers["Authorization"] == f"apiKey {KEY}" for _, _, headers, *_ in cloud.requests)
