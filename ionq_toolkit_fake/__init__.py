"""IonQ's cloud on your own machine, simulated with Qiskit Aer.

::

    from ionq_toolkit_fake import FakeIonQ, mock_ionq

    @mock_ionq
    def test_any_client_of_api_ionq_co(): ...
"""

from ionq_toolkit_fake.cloud import FakeIonQ
from ionq_toolkit_fake.intercept import mock_ionq

__all__ = ["FakeIonQ", "mock_ionq"]
