"""IonQ's failure codes, with default messages."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping


class JobFailure(NamedTuple):
    """Why a job failed.

    Attributes:
        code: One of IonQ's failure codes.
        message: The reason, for a person.
    """

    code: str
    message: str


class FailureCode(NamedTuple):
    """One of IonQ's failure codes.

    Attributes:
        message: The default message.
        at: The status that a job fails from, by default.
    """

    message: str
    at: str


#: The codes, for type checkers and editors.
FailureWord: TypeAlias = Literal[
    "InvalidInput", "CompilationError", "UnexpectedCompilationError", "ContractExpiredError",
    "DebiasingError", "InternalError", "NotEnoughQubits", "OptimizationError", "PreflightError",
    "QuantumCircuitComplexityError", "QuantumComputerError", "QuotaExhaustedError",
    "SimulationError", "SimulationTimeout", "SystemCancel", "TooLongPredictedExecutionTime",
    "TooManyControls", "TooManyGates", "TooManyShots", "UnknownBillingError", "UnsupportedGate",
]  # fmt: skip

#: Codes: schema Failure of the API document, all 20, and UnexpectedCompilationError, which the
#: overlay of the document in ionq-core 0.2.0 says that the service sends. The one message that
#: users recorded is SimulationError's; the others are our own words. From which status a job fails
#: is not published: a job that is submitted is checked and compiled, as IonQ's page on jobs says,
#: so that what a check finds fails it there, and the rest when it has run.
FAILURES: Mapping[FailureWord, FailureCode] = MappingProxyType(
    {
        "InvalidInput": FailureCode("The input of the job is not valid.", "submitted"),
        "CompilationError": FailureCode("The circuit could not be compiled.", "submitted"),
        "UnexpectedCompilationError": FailureCode("Compiling broke off.", "submitted"),
        "ContractExpiredError": FailureCode("The contract of the account is over.", "submitted"),
        "DebiasingError": FailureCode("The variants could not be put together.", "started"),
        "InternalError": FailureCode("The service itself failed.", "started"),
        "NotEnoughQubits": FailureCode("The backend has too few qubits for the job.", "submitted"),
        "OptimizationError": FailureCode("The circuit could not be optimized.", "submitted"),
        "PreflightError": FailureCode("A check of the job failed before it ran.", "submitted"),
        "QuantumCircuitComplexityError": FailureCode("The circuit is too complex.", "submitted"),
        "QuantumComputerError": FailureCode("The quantum computer failed.", "started"),
        "QuotaExhaustedError": FailureCode("The quota of the project is used up.", "submitted"),
        "SimulationError": FailureCode("could not execute simulation", "started"),
        "SimulationTimeout": FailureCode("The simulation took too long.", "started"),
        "SystemCancel": FailureCode("The service took the job out of its queue.", "ready"),
        "TooLongPredictedExecutionTime": FailureCode("The job would run too long.", "submitted"),
        "TooManyControls": FailureCode("A gate has too many control qubits.", "submitted"),
        "TooManyGates": FailureCode("The circuit has too many gates.", "submitted"),
        "TooManyShots": FailureCode("The backend takes fewer shots a job.", "submitted"),
        "UnknownBillingError": FailureCode("What the job costs is not known.", "submitted"),
        "UnsupportedGate": FailureCode("The backend does not have a gate.", "submitted"),
    }
)
