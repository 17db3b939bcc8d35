"""Which handler an operation has."""

from ionq_toolkit_fake.api.operations import OPERATIONS
from ionq_toolkit_fake.api.routes import HANDLERS


def test_every_operation_has_a_handler_of_its_own():
    assert list(HANDLERS) == [operation.name for operation in OPERATIONS]
    assert len(set(HANDLERS.values())) == len(HANDLERS)
