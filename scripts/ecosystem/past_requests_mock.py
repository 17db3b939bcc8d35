"""A plugin of pytest for qiskit-ionq's suite: what its tests do not answer themselves, the fake answers.

Its conftest answers every other request with 599, and has canned backends: neither is installed.
"""

from __future__ import annotations

import pytest
import requests_mock

_begin, _register = requests_mock.Mocker.__init__, requests_mock.Mocker.register_uri


def _with_network(self: requests_mock.Mocker, **settings: object) -> None:
    _begin(self, **{**settings, "real_http": True})


def _but_for_any(
    self: requests_mock.Mocker, method: object, url: object, *answers: object, **more: object
) -> object:
    if method is requests_mock.ANY and url is requests_mock.ANY:
        return None
    return _register(self, method, url, *answers, **more)


requests_mock.Mocker.__init__ = _with_network
requests_mock.Mocker.register_uri = _but_for_any


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> bool | None:
    """Leave out the canned backends."""
    if fixturedef.argname != "_offline_backend_data":
        return None
    fixturedef.cached_result = (None, fixturedef.cache_key(request), None)
    return True
