"""Which handler an operation has."""

from ionq_toolkit_fake.api.operations import OPERATIONS, OPERATIONS_V03
from ionq_toolkit_fake.api.routes import HANDLERS
from ionq_toolkit_fake.api.v03 import HANDLERS_V03


def test_every_operation_has_a_handler_of_its_own():
    own = {name: handler for name, handler in HANDLERS.items() if name not in HANDLERS_V03}
    assert list(own) == [operation.name for operation in OPERATIONS]
    assert len(set(own.values())) == len(own)


def test_every_operation_of_v03_has_a_handler():
    """Some are those of v0.4: the two differ in nothing but the path."""
    assert set(HANDLERS_V03) == {operation.name for operation in OPERATIONS_V03}
    assert set(HANDLERS_V03) < set(HANDLERS)
