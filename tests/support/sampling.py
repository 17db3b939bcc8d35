"""How far counts may be from what is expected of them."""

from __future__ import annotations

from math import sqrt

import pytest


def as_often_as(probability, runs):
    """Allow five standard deviations: by chance, one count in two million is further off."""
    deviation = sqrt(runs * probability * (1 - probability))
    return pytest.approx(runs * probability, abs=5 * deviation)
