"""aiohttp is refused. It is no dependency here: a module of its shape stands for it."""

import asyncio
import sys
from types import ModuleType, SimpleNamespace

import pytest

from ionq_toolkit_fake import UnansweredRequest, mock_ionq


@pytest.fixture
def connect(monkeypatch):
    """Connect as `aiohttp.connector.BaseConnector` does, of aiohttp 3.10 and later."""

    class BaseConnector:
        async def connect(self, request, traces, timeout):
            return "connected"

    module = ModuleType("aiohttp.connector")
    module.BaseConnector = original = BaseConnector
    before = BaseConnector.connect
    monkeypatch.setitem(sys.modules, "aiohttp.connector", module)
    monkeypatch.setattr("ionq_toolkit_fake.intercept.mock._AIOHTTP._patch", None)

    def connect(host, port=443):
        request = SimpleNamespace(url=SimpleNamespace(host=host, port=port))
        return asyncio.run(original().connect(request, [], None))

    yield connect
    assert original.connect is before


def test_aiohttp_is_refused_loudly_and_told_where_to_go(connect):
    assert connect("api.ionq.co") == "connected"
    with mock_ionq():
        with pytest.raises(UnansweredRequest, match=r"aiohttp .* api\.ionq\.co.*FakeServer"):
            connect("api.ionq.co")
        assert connect("127.0.0.1", 8080) == "connected"
    assert connect("api.ionq.co") == "connected"
