import pytest

from ionq_toolkit import InProcessTransport, Transport
from ionq_toolkit_fake import FakeIonQ


class Cloud:
    def __init__(self, reply):
        self.reply = reply

    def handle(self, method, url, headers, body, timeout):
        self.request = (method, url, headers, body, timeout)
        return self.reply


def test_any_object_with_handle_is_a_cloud():
    cloud = Cloud((200, {"A": "b"}, b"body"))
    response = InProcessTransport(cloud).send("PUT", "http://x/y", {"H": "v"}, b"in", 3.0)
    assert cloud.request == ("PUT", "http://x/y", {"H": "v"}, b"in", 3.0)
    assert response == (200, {"A": "b"}, b"body")
    assert response.header("a") == "b"


@pytest.mark.parametrize("cloud", [None, object(), lambda *_: None])
def test_rejects_an_object_without_handle(cloud):
    with pytest.raises(TypeError, match="method handle"):
        InProcessTransport(cloud)


@pytest.mark.parametrize(
    "reply", [None, 200, (200, {}), (200, {}, "text"), ("x", {}, b""), (200, 5, b"")]
)
def test_rejects_a_response_of_another_shape(reply):
    with pytest.raises(TypeError, match=r"Cloud\.handle\(\) must return"):
        InProcessTransport(Cloud(reply)).send("GET", "/", {}, None, None)


@pytest.mark.parametrize("error", [ConnectionResetError("reset"), TimeoutError("late")])
def test_errors_of_the_cloud_pass_unchanged(error):
    class Broken:
        def handle(self, *request):
            raise error

    with pytest.raises(type(error), match=str(error)):
        InProcessTransport(Broken()).send("GET", "/", {}, None, None)


def test_clock_is_that_of_the_cloud():
    cloud = FakeIonQ()
    assert InProcessTransport(cloud).clock is cloud.clock
    other = Cloud(None)
    assert InProcessTransport(other).clock is None
    other.clock = "half past nine"
    assert InProcessTransport(other).clock is None


def test_header_values_become_text():
    response = InProcessTransport(Cloud((200, {"n": 5}, b""))).send("GET", "/", {}, None, None)
    assert response.header("N") == "5"


def test_in_process_needs_no_key():
    transport = InProcessTransport(FakeIonQ())
    assert isinstance(transport, Transport)
    assert transport.requires_key is False
