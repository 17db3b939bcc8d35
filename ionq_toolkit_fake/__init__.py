"""IonQ's cloud on your own machine, simulated with Qiskit Aer.

::

    from ionq_toolkit_fake import FakeIonQ, mock_ionq

    @mock_ionq
    def test_any_client_of_api_ionq_co(): ...
"""

try:
    from ionq_toolkit_fake import faults
    from ionq_toolkit_fake.accounts import Access
    from ionq_toolkit_fake.cloud import FakeIonQ
    from ionq_toolkit_fake.deviations import DEVIATIONS
    from ionq_toolkit_fake.failures import FAILURES
    from ionq_toolkit_fake.intercept import mock_ionq
    from ionq_toolkit_fake.server import FakeServer
    from ionq_toolkit_fake.transitions import Transitions, after, canceled, failed
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"ionq_toolkit_fake needs the module {error.name!r}, which is not installed. "
        "Install the extra: pip install 'ionq-toolkit[fake]'",
        name=error.name,
    ) from error

__all__ = [
    "DEVIATIONS",
    "FAILURES",
    "Access",
    "FakeIonQ",
    "FakeServer",
    "Transitions",
    "after",
    "canceled",
    "failed",
    "faults",
    "mock_ionq",
]
