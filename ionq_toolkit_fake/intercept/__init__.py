"""Interception: a fake cloud answers the requests of clients in this process to IonQ."""

from ionq_toolkit_fake.intercept.mock import mock_ionq
from ionq_toolkit_fake.intercept.polls import StandstillError
from ionq_toolkit_fake.intercept.unanswered import UnansweredRequest

__all__ = ["StandstillError", "UnansweredRequest", "mock_ionq"]
