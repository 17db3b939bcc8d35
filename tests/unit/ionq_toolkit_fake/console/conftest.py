"""A cloud, and its console without a socket."""

import pytest
from consoles import Page

from ionq_toolkit_fake import FakeIonQ


@pytest.fixture
def cloud():
    return FakeIonQ(seed=1)


@pytest.fixture
def page(cloud):
    return Page(cloud)
