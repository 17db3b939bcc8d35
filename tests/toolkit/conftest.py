"""What the tests of the client share: jobs whose service says what it is told to."""

from __future__ import annotations

import pytest

from ionq_toolkit import InProcessTransport, IonQJob, IonQProvider


@pytest.fixture
def job_of(scripted, instant_clock):
    """Return a job whose service gives these replies, and the scripted service."""

    def build(*replies, **provider_options):
        cloud = scripted(*replies)
        provider = IonQProvider(
            transport=InProcessTransport(cloud), clock=instant_clock, **provider_options
        )
        return IonQJob(provider.get_backend("simulator"), "job-1"), cloud

    return build
