"""How a simulation says what is wrong with its job."""

from __future__ import annotations


class SimulationFailure(Exception):  # noqa: N818 - not an error of the fake: the job fails
    """The job cannot be run as it is; it fails with one of IonQ's failure codes.

    Attributes:
        code: The code.
        message: What a person should know.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message

    def __str__(self) -> str:
        return self.message
