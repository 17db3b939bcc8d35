"""Errors of the network and of a user's environment, in plain words."""

import contextlib
import http.client
import http.cookiejar
import re
import socket
import ssl
import threading

import pytest
import requests
import trustme
import urllib3
from urllib3.exceptions import ProtocolError

from ionq_toolkit import HttpTransport, IonQProvider, RetryPolicy, errors
from ionq_toolkit.transport import UnusableURLError
from ionq_toolkit.transport.base import UnusableSettingError

OLD_URLLIB3 = urllib3.__version__.startswith("2.0.")

KEY = "key-of-an-account-123"

HOST = "https://api.ionq.test/v0.4"

#: Names that a user has never heard of.
CLASSES = re.compile(r"Pool|Max retries|\w+Connection\(|Caused by|object at|Error\(|urllib3")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    settings = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
    for name in (*settings, "SSLKEYLOGFILE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    for name in ("https_proxy", "http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(autouse=True)
def no_names(monkeypatch):
    """Let no host but an address have a name, without asking a network."""
    real = socket.getaddrinfo

    def getaddrinfo(host, *arguments, **options):
        if host in ("127.0.0.1", b"127.0.0.1"):
            return real(host, *arguments, **options)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.fixture
def dead_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def failure(bell):
    """Return a function that runs a circuit at a URL, and returns the error."""

    def fail(url=HOST, session=None):
        transport = HttpTransport(session)
        with (
            IonQProvider(KEY, url, transport=transport, retry=RetryPolicy.none()) as provider,
            pytest.raises(errors.IonQConnectionError) as caught,
        ):
            provider.get_backend("simulator").run(bell, timeout=20)
        return caught.value

    return fail


def is_plain(error):
    """Return whether an error is one sentence in plain words, without the key."""
    text = str(error)
    return not CLASSES.search(text) and KEY not in text and not re.search(r"\. +[A-Z]", text)


def in_traceback(error):
    while error is not None:
        yield repr(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@pytest.fixture
def tls_server():
    """Listen with a certificate that no machine trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)

    def serve():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client, contextlib.suppress(OSError):
                context.wrap_socket(client, server_side=True).close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/v0.4"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


# --- settings of the environment -------------------------------------------------------------


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("kind", ["missing", "empty", "garbage", "key"])
def test_certificates_that_cannot_be_read_are_named(
    failure, tls_server, monkeypatch, tmp_path, name, kind
):
    path = tmp_path / "bundle.pem"
    if kind == "key":
        trustme.CA().private_key_pem.write_to_path(path)
    elif kind != "missing":
        path.write_text("" if kind == "empty" else "not a certificate\n")
    monkeypatch.setenv(name, str(path))
    error = failure(tls_server)
    assert f"{name}={path}" in str(error)
    assert error.nothing_sent
    assert is_plain(error)


def test_certificates_that_the_user_may_not_read_are_named(failure, monkeypatch, tmp_path):
    path = tmp_path / "bundle.pem"
    path.write_text("")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))

    class Session(requests.Session):
        def request(self, *arguments, **options):
            raise requests.exceptions.SSLError(PermissionError(13, "Permission denied"))

    def refuse(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", refuse)
    with Session() as session:
        error = failure(session=session)
    assert f"REQUESTS_CA_BUNDLE={path} cannot be read (Permission denied)" in str(error)


def test_an_untrusted_certificate_says_which_setting_names_the_trusted_ones(
    failure, tls_server, monkeypatch
):
    error = failure(tls_server)
    assert "certificate of 127.0.0.1 is not trusted" in str(error)
    assert "REQUESTS_CA_BUNDLE" in str(error)
    assert is_plain(error)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.setenv(name, "/nowhere")
    assert "SSL_CERT_FILE and SSL_CERT_DIR are not read" in str(failure(tls_server))


def test_an_untrusted_certificate_says_which_setting_was_used(
    failure, tls_server, monkeypatch, tmp_path
):
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "other.pem"))
    assert f"by REQUESTS_CA_BUNDLE={tmp_path / 'other.pem'}" in str(failure(tls_server))


def test_a_key_log_that_cannot_be_written_is_named(failure, tls_server, monkeypatch):
    if hasattr(requests.adapters, "_preloaded_ssl_context"):
        pytest.skip("this version of requests reads SSLKEYLOGFILE once, when it is imported")
    monkeypatch.setenv("SSLKEYLOGFILE", "/nowhere/at/all")
    error = failure(tls_server)
    assert "SSLKEYLOGFILE=/nowhere/at/all" in str(error)
    assert error.nothing_sent


MALFORMED = [
    *("::::", "http://", "http://[::1", "http://u:passw0rd@host:port", "127.0.0.1:99999"),
    *("ftp://127.0.0.1:1", "http://u:passw0rd\u4e2d@127.0.0.1:1", "http:///x", "http://a b:1"),
]


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("proxy", MALFORMED)
def test_a_malformed_proxy_is_named_and_its_password_not_shown(failure, monkeypatch, name, proxy):
    if OLD_URLLIB3 and " " in proxy:
        pytest.skip("urllib3 2.0 takes a space in the host of a proxy")
    monkeypatch.setenv(name, proxy)
    error = failure()
    assert name in str(error)
    assert is_plain(error)
    assert not any("passw0rd" in text or "\u4e2d" in text for text in in_traceback(error))


def test_a_socks_proxy_names_the_package_that_it_needs(failure, monkeypatch):
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1")
    monkeypatch.setattr(
        "requests.adapters.SOCKSProxyManager",
        lambda *arguments, **options: (_ for _ in ()).throw(
            requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support.")
        ),
    )
    assert "https_proxy needs another package: pip install 'requests[socks]'" in str(failure())


def test_a_proxy_that_cannot_be_reached_is_named(failure, monkeypatch, dead_port):
    monkeypatch.setenv("https_proxy", f"http://u:passw0rd@127.0.0.1:{dead_port}")
    error = failure()
    assert "the proxy of https_proxy took no connection (Connection refused)" in str(error)
    assert error.nothing_sent
    assert is_plain(error)
    monkeypatch.setenv("https_proxy", "http://proxy.test:80")
    assert "the name of the proxy of https_proxy cannot be resolved" in str(failure())


def test_a_proxy_that_refuses_is_named(failure, monkeypatch):
    def answer():
        client, _ = listener.accept()
        with client:
            client.recv(65536)
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{listener.getsockname()[1]}")
        error = failure()
        thread.join()
    assert "the proxy of https_proxy took no connection (Tunnel connection failed: 40" in str(error)
    assert is_plain(error)


@pytest.mark.parametrize("value", ["[::1", "10.0.0.0/99", "\u4e2d", ",,", "*."])
def test_a_malformed_no_proxy_does_no_harm(failure, monkeypatch, value):
    monkeypatch.setenv("no_proxy", value)
    assert "cannot be resolved" in str(failure())


def test_a_malformed_netrc_does_no_harm(failure, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine api.ionq.test bar baz\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert "cannot be resolved" in str(failure())


@pytest.mark.parametrize(
    "reason",
    [
        FileNotFoundError(2, "No such file or directory", "cookies.txt"),
        http.cookiejar.LoadError("'cookies.txt' does not look like a Netscape cookies file"),
        ValueError("cookies.txt has no such field"),
    ],
)
def test_an_error_of_a_session_of_the_caller_is_a_connection_error(reason):
    class Session(requests.Session):
        def request(self, *arguments, **options):
            raise reason

    with Session() as session:
        transport = HttpTransport(session)
        provider = IonQProvider(KEY, HOST, transport=transport, retry=RetryPolicy.none())
        with pytest.raises(errors.IonQConnectionError, match=r"cookies\.txt"):
            provider.client.get_backends()


@pytest.mark.parametrize("name", ["cert", "verify"])
def test_a_missing_file_of_the_session_is_named(failure, name):
    with requests.Session() as session:
        setattr(session, name, "/nowhere/at/all.pem")
        session.trust_env = False
        error = failure("https://127.0.0.1:1/v0.4", session)
    assert "/nowhere/at/all.pem" in str(error)
    assert error.nothing_sent


def test_a_faulty_setting_is_not_tried_again(monkeypatch, instant_clock):
    monkeypatch.setenv("https_proxy", "::::")
    with (
        IonQProvider(KEY, HOST, clock=instant_clock) as provider,
        pytest.raises(errors.IonQConnectionError),
    ):
        provider.get_backend("simulator").status()
    assert instant_clock.slept == []


def test_a_broken_connection_is_not_laid_on_a_bundle_that_went_bad_since(monkeypatch, tmp_path):
    """Else a request that was sent would count as not sent, and be sent twice."""
    (tmp_path / "bundle.pem").write_text("garbage")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "bundle.pem"))

    class Session(requests.Session):
        def request(self, *arguments, **options):
            raise requests.ConnectionError(ProtocolError("Connection aborted.", OSError(104, "x")))

    with Session() as session, pytest.raises(ConnectionError) as caught:
        HttpTransport(session).send("POST", HOST, {}, b"", 1)
    assert not isinstance(caught.value, ConnectionRefusedError)


# --- the network -----------------------------------------------------------------------------


def test_an_unknown_host_is_named(failure):
    error = failure()
    assert "the name of api.ionq.test cannot be resolved" in str(error)
    assert error.nothing_sent
    assert is_plain(error)


def test_a_refused_connection_is_one_sentence(failure, dead_port):
    error = failure(f"http://127.0.0.1:{dead_port}/v0.4")
    assert str(error) == (
        f"http://127.0.0.1:{dead_port}/v0.4 was not reached (POST /jobs): 127.0.0.1 took no "
        "connection (Connection refused); check url=... or IONQ_API_URL, and the network."
    )
    assert isinstance(error.__cause__, ConnectionRefusedError)
    assert error.__cause__.__cause__ is not None


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (requests.ReadTimeout("HTTPSPool(host='h'): Read timed out."), "no complete reply within"),
        (requests.ConnectTimeout("HTTPSPool(host='h'): timed out"), "no connection to"),
        (
            requests.ConnectionError(
                ProtocolError("Connection aborted.", http.client.RemoteDisconnected("Remote end"))
            ),
            "the connection broke",
        ),
        (requests.exceptions.ContentDecodingError("gzip"), "cannot be decompressed"),
        (requests.exceptions.ChunkedEncodingError("Pool(x)"), "the connection failed"),
        (requests.exceptions.SSLError(ssl.SSLError(1, "[SSL] x")), "agree on no TLS"),
        (requests.ConnectionError(f"HTTPSPool(host={KEY})"), "the connection failed"),
        (requests.ConnectionError(f"echo of {KEY}"), "echo of [API key]"),
    ],
)
def test_other_errors_are_plain_words_without_the_key(reason, told):
    class Session(requests.Session):
        def request(self, *arguments, **options):
            raise reason

    transport = HttpTransport(Session())
    with (
        IonQProvider(KEY, HOST, transport=transport, retry=RetryPolicy.none()) as provider,
        pytest.raises(errors.IonQConnectionError) as caught,
    ):
        provider.client.get_backends()
    assert told in str(caught.value)
    assert is_plain(caught.value)
    assert not any(KEY in text for text in in_traceback(caught.value))


# --- the lookup of a name --------------------------------------------------------------------


@pytest.fixture
def silent_dns(monkeypatch):
    """Let the operating system look for a name for ever."""
    released = threading.Event()

    def getaddrinfo(*arguments, **options):
        released.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield
    released.set()


@pytest.mark.usefixtures("silent_dns")
def test_the_lookup_of_a_name_counts_towards_the_timeout():
    transport = HttpTransport()
    with pytest.raises(ConnectionRefusedError, match="there was no connection"):
        transport.send("GET", HOST, {}, None, 0.1)
    transport.close()


def test_a_faulty_setting_is_a_url_that_cannot_be_used(monkeypatch):
    monkeypatch.setenv("https_proxy", "::::")
    with pytest.raises(UnusableSettingError) as caught:
        HttpTransport().send("GET", HOST, {}, None, 1)
    assert isinstance(caught.value, UnusableURLError)
