"""A plugin of pytest: requests that requests-mock does not know go on, to the fake."""

from __future__ import annotations

import requests_mock

_begin = requests_mock.Mocker.__init__


def _real(self: requests_mock.Mocker, **settings: object) -> None:
    _begin(self, **{**settings, "real_http": True})


requests_mock.Mocker.__init__ = _real
