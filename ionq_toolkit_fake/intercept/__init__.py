"""Interception: what a client in this process sends to IonQ is answered by a fake cloud."""

from ionq_toolkit_fake.intercept.mock import mock_ionq
from ionq_toolkit_fake.intercept.unanswered import UnansweredRequest

__all__ = ["UnansweredRequest", "mock_ionq"]
