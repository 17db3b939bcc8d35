"""The base class of transports, and objects that are adapted to it."""

import pytest

from ionq_toolkit import HttpTransport, IonQClient, IonQProvider, Response, Transport
from ionq_toolkit.transport.base import as_transport
from ionq_toolkit_fake import FakeIonQ


class Plain:
    """A transport of the user's that derives from no class of ours."""

    closed = False

    def __init__(self):
        self.sent = []

    def send(self, method, url, headers, body, timeout):
        self.sent.append((method, url))
        return Response(200, {}, b"[]")

    def close(self):
        self.closed = True

    def __repr__(self):
        return "Plain()"


def test_a_subclass_needs_send_alone():
    class Mine(Transport):
        def send(self, *request):
            return Response(200, {}, b"")

    with Mine() as transport:
        assert transport.send("GET", "/", {}, None, None).status == 200
    assert (transport.requires_key, transport.concurrent) == (True, False)
    assert (transport.clock, transport.cloud, transport.policy) == (None, None, None)


def test_a_subclass_without_send_raises_not_implemented_error():
    with pytest.raises(NotImplementedError, match=r"Transport must define send\(\)"):
        Transport().send("GET", "/", {}, None, None)


def test_leaving_the_context_closes_the_transport():
    plain = Plain()
    with as_transport(plain):
        assert not plain.closed
    assert plain.closed


def test_as_transport_returns_a_transport_as_it_is():
    transport = HttpTransport()
    assert as_transport(transport) is transport


def test_as_transport_gives_another_object_the_default_attributes():
    plain = Plain()
    adapted = as_transport(plain)
    assert isinstance(adapted, Transport)
    assert (adapted.requires_key, adapted.concurrent) == (True, False)
    assert (adapted.clock, adapted.cloud, adapted.policy) == (None, None, None)
    assert adapted.send("GET", "/a", {}, None, timeout=None).body == b"[]"
    assert plain.sent == [("GET", "/a")]
    assert repr(adapted) == "Plain()"


def test_as_transport_keeps_the_attributes_that_an_object_has():
    class Local(Plain):
        requires_key = False
        concurrent = True
        clock = object()

    plain = Local()
    adapted = as_transport(plain)
    assert (adapted.requires_key, adapted.concurrent, adapted.clock) == (False, True, Local.clock)
    assert adapted.cloud is plain  # nothing leaves this process
    here, there = (IonQProvider(transport=plain, url="http://x/v0.4") for _ in range(2))
    assert here.service.address is there.service.address is plain


def test_provider_and_client_take_any_object_that_can_send_and_close():
    plain = Plain()
    with IonQProvider("any-key", transport=plain) as provider:
        provider.client.get_backends()
    IonQClient("any-key", "https://api.ionq.co/v0.4", plain).get_backends()
    assert [url for _, url in plain.sent] == ["https://api.ionq.co/v0.4/backends"] * 2
    assert plain.closed


@pytest.mark.parametrize(
    ("candidate", "complaint"),
    [
        (None, "NoneType is no transport: that is an object with send"),
        ("a-secret-key", "str is no transport"),
        (Plain, "The class Plain is no transport"),
        (HttpTransport, "The class HttpTransport is no transport"),
        (FakeIonQ(), r"FakeIonQ is no transport.* Wrap it: InProcessTransport\("),
    ],
)
def test_as_transport_rejects_other_objects(candidate, complaint):
    with pytest.raises(TypeError, match=complaint) as caught:
        as_transport(candidate)
    assert "a-secret-key" not in str(caught.value)
