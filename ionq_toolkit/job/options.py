"""The options of a run, checked before anything is sent."""

from __future__ import annotations

import enum
import inspect
import json
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, TypeVar, get_args

import numpy as np

from ionq_toolkit.api.metadata import TAG
from ionq_toolkit.devices import NOISE_MODELS
from ionq_toolkit.errors import IonQBackendError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from ionq_toolkit.devices import Device, NoiseModel

    #: A whole number, of Python or numpy.
    Whole: TypeAlias = int | np.integer[Any]

_F = TypeVar("_F", bound="Callable[..., object]")
_S = TypeVar("_S", bound=str)

#: Shots a job may have: the API document's own limits.
MIN_SHOTS, MAX_SHOTS = 1, 1_000_000

#: The most shots of a job on a QPU, as qiskit-ionq advertises it; IonQ publishes no limit, but
#: fails jobs that have TooManyShots.
MAX_QPU_SHOTS = 10_000

#: "To turn on debiasing, you must request at least 500 shots": schema CircuitJobCreationPayload.
DEBIASING_SHOTS = 500

#: The largest seed for the counts of a run.
MAX_SEED = 2**63 - 1

#: The largest seed of a noise model: the API document says int32.
MAX_NOISE_SEED = 2**31 - 1

#: The gatesets of circuits: schema CircuitJobInput.
Gateset: TypeAlias = Literal["qis", "native"]
GATESETS: tuple[Gateset, ...] = get_args(Gateset)

#: Settings of a job: schemas CircuitJobSettings, CircuitJobCompilationSettings and
#: CircuitJobErrorMitigationSettings, which have no others.
_SETTINGS = ("compilation", "error_mitigation")
_COMPILATION = ("gate_basis", "opt", "precision", "service_version")
Mitigation: TypeAlias = Literal["debiasing", "symmetry_verification"]
_MITIGATIONS: tuple[Mitigation, ...] = get_args(Mitigation)

#: Limits of a job's metadata: https://docs.ionq.com/api-reference/v0.3/core-concepts, of v0.3; none
#: are published for v0.4.
MAX_METADATA, MAX_METADATA_NAME, MAX_METADATA_VALUE = 10, 40, 40_000

#: The metadata that the toolkit itself stores with a job.
OWN_METADATA = ("shots", "sampler_seed", "qiskit_header", "memory", TAG)

#: Fields of the body of POST /jobs that follow from the circuit and the options, each with the
#: option that sets it, if there is one. The last two are of v0.3; IonQ ignores them now.
_OWN_FIELDS: Mapping[str, str | None] = {
    "type": None,
    "backend": None,
    "input": None,
    "metadata": "extra_metadata",
    "shots": "shots",
    "name": "name",
    "noise": "noise_model",
    "settings": "job_settings",
    "session_id": "session_id",
    "dry_run": "dry_run",
    "error_mitigation": "error_mitigation",
    "target": None,
}

#: The options of a backend and their defaults.
DEFAULTS: Mapping[str, Any] = {
    "shots": 1024,
    "memory": False,
    "seed_simulator": None,
    "sampler_seed": None,
    "noise_model": "ideal",
    "error_mitigation": None,
    "session_id": None,
    "dry_run": False,
    "name": None,
    "job_settings": None,
    "extra_query_params": None,
    "extra_metadata": None,
    "compiler_synthesis": False,
}

#: Seconds between the runs of a circuit: each begins with all qubits in 0, however long they are.
_DELAYS = ("rep_delay", "rep_time")

#: Qiskit's standard options of a run that mean nothing here -> the values that ask for no more than
#: IonQ does anyway, and why others are refused. None asks for nothing.
_STANDARD: Mapping[str, tuple[Collection[object], str]] = {
    "meas_level": ([2], "IonQ returns counts, which are level 2, and no raw signals"),
    "meas_return": (["avg", "single"], "it is 'avg' or 'single'"),
    "init_qubits": ([True], "all qubits of an IonQ job begin in 0"),
    **dict.fromkeys(_DELAYS, ((), "it is a number of seconds, not below 0")),
    "parameter_binds": (([], [{}], ()), "bind parameters first: circuit.assign_parameters({...})"),
    "use_measure_esp": ([False], "IonQ measures in one way only"),
    "dynamic": ([True, False], "it is True or False"),
    **dict.fromkeys(
        ("schedule_los", "qubit_lo_freq", "meas_lo_freq", "default_qubit_los", "default_meas_los"),
        (([], {}), "IonQ takes no pulses"),
    ),
}

#: How qiskit-ionq asks for `compiler_synthesis`: among the `extra_metadata`.
_SYNTHESIS = "ionq_compiler_synthesis"


class ErrorMitigation(enum.Enum):
    """Whether IonQ mitigates errors by debiasing. Without one, it does from 500 shots on.

    ::

        backend = provider.get_backend("forte-1")
        backend.run(circuit, shots=500, error_mitigation=ErrorMitigation.NO_DEBIASING)
    """

    DEBIASING = {"debiasing": True}  # noqa: RUF012 - the values that qiskit-ionq's have
    NO_DEBIASING = {"debiasing": False}  # noqa: RUF012


class StandardOptions(TypedDict, total=False):
    """Qiskit's standard options of a run, at the values that ask for nothing else than counts."""

    meas_level: Literal[2] | None
    meas_return: Literal["avg", "single"] | None
    init_qubits: Literal[True] | None
    rep_delay: float | None
    rep_time: float | None
    parameter_binds: Sequence[object] | None
    use_measure_esp: Literal[False] | None
    dynamic: bool | None
    schedule_los: object
    qubit_lo_freq: object
    meas_lo_freq: object
    default_qubit_los: object
    default_meas_los: object


class BackendOptions(StandardOptions, total=False):
    """The options that `IonQBackend.set_options` takes: those of `DEFAULTS`."""

    shots: Whole | None
    memory: bool
    seed_simulator: Whole | None
    sampler_seed: Whole | None
    noise_model: NoiseModel | None
    error_mitigation: ErrorMitigation | bool | Mapping[Mitigation, bool] | None
    session_id: str | None
    dry_run: bool
    name: str | None
    job_settings: Mapping[str, Any] | None
    extra_query_params: Mapping[str, Any] | None
    extra_metadata: Mapping[str, str] | None
    compiler_synthesis: bool


class RunArguments(BackendOptions, total=False):
    """The options that `IonQBackend.run` takes, for type checkers and editors.

    ::

        options: RunArguments = {"shots": 200, "noise_model": "aria-1", "seed_simulator": 7}
        backend.run(circuit, **options).get_counts()
    """

    gateset: Gateset


def completed(function: _F) -> _F:
    """Show in the signature of a function each option that its ``**options`` takes.

    Notebooks, ``help`` and tools that read signatures do not look into ``Unpack[RunArguments]``.
    Qiskit's standard options are left out.
    """
    signature = inspect.signature(function)
    given = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    types = RunArguments.__annotations__
    named = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=DEFAULTS.get(name),
            annotation=types[name].__forward_arg__,
        )
        for name in (*DEFAULTS, "gateset")
    ]
    shown = signature.replace(parameters=given + named)
    function.__signature__ = shown  # type: ignore[attr-defined]
    return function


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Options of a run, all checked.

    Attributes:
        gateset: The gateset of the circuits: ``"qis"`` or ``"native"``.
        shots: The number of runs of each circuit.
        memory: Whether to keep the outcome of each shot.
        seed: The seed of the sampled counts and the noise; None: one will be drawn.
        noise_model: The simulator's noise model; ``"ideal"`` for none.
        settings: The job's `settings`, error mitigation among them.
        session_id: The session that the job is part of, or None.
        dry_run: Whether to compile and price only.
        name: The name of the job; None: that of its circuit.
        extra_fields: Further fields of the body of POST /jobs.
        extra_metadata: More metadata to store with the job.
        compiler_synthesis: Whether IonQ is to approximate the exponentials of Hamiltonians whose
            terms do not commute.
    """

    gateset: str = "qis"
    shots: int
    memory: bool = False
    seed: int | None = None
    noise_model: str = "ideal"
    settings: Mapping[str, Any] = field(default_factory=dict)
    session_id: str | None = None
    dry_run: bool = False
    name: str | None = None
    extra_fields: Mapping[str, Any] = field(default_factory=dict)
    extra_metadata: Mapping[str, str] = field(default_factory=dict)
    compiler_synthesis: bool = False

    @property
    def debiasing(self) -> bool | None:
        """Whether errors are to be mitigated by debiasing; None: as IonQ sees fit."""
        asked: bool | None = self.settings.get("error_mitigation", {}).get("debiasing")
        return asked


def check(options: Mapping[str, Any], device: Device) -> RunOptions:
    """Return the options of a run on a device.

    Args:
        options: Those of `DEFAULTS`, each with its value, and `gateset`.
        device: Where it runs.

    Raises:
        IonQBackendError: One is out of range, or nothing that the device can do.
    """
    options = drop_standard(options)
    refuse_unknown(options, (*DEFAULTS, "gateset"))
    shots = _shots(options["shots"], device)
    stored = dict(_json_object(options["extra_metadata"], "extra_metadata"))
    synthesis = stored.pop(_SYNTHESIS, options["compiler_synthesis"])
    return RunOptions(
        gateset=choice(options["gateset"], "gateset", GATESETS),
        shots=shots,
        memory=_boolean(options["memory"], "memory"),
        seed=_seed(options),
        noise_model=_noise_model(options["noise_model"], device),
        settings=_settings(options, device, shots),
        session_id=_text(options["session_id"], "session_id"),
        dry_run=_boolean(options["dry_run"], "dry_run"),
        name=_text(options["name"], "name"),
        extra_fields=_extra_fields(options["extra_query_params"]),
        extra_metadata=_extra_metadata(stored),
        compiler_synthesis=_boolean(synthesis, "compiler_synthesis"),
    )


def refuse_unknown(options: Collection[str], known: Collection[str]) -> None:
    """Refuse unknown options."""
    for name in options:
        if name not in known:
            raise IonQBackendError(
                f"There is no option {name!r}.{did_you_mean(name.lower(), known)} "
                f"There are: {', '.join(sorted(known))}."
            )


def drop_standard(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options without those of Qiskit's own that mean nothing here.

    Raises:
        IonQBackendError: One of these asks for something that IonQ does not do.
    """
    for name in options.keys() & _STANDARD.keys():
        value, (harmless, reason) = options[name], _STANDARD[name]
        delay = name in _DELAYS and isinstance(value, int | float | np.number) and value >= 0
        if not (value is None or delay or value in harmless):
            raise IonQBackendError(f"{name}={value!r} cannot be had: {reason}.")
    return {name: value for name, value in options.items() if name not in _STANDARD}


def choice(value: object, name: str, allowed: Collection[_S]) -> _S:
    """Return one of the values that an option may have."""
    for one in allowed:
        if isinstance(value, str) and value == one:
            return one
    near = did_you_mean(value.lower(), allowed) if isinstance(value, str) else ""
    raise IonQBackendError(f"{name} must be one of {', '.join(allowed)}, not {value!r}.{near}")


def integer(value: object, name: str, low: int, high: int) -> int:
    """Return a whole number within limits, of Python or numpy."""
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = low - 1
    if isinstance(value, bool) or not low <= number <= high:
        raise IonQBackendError(
            f"{name} must be a whole number from {low:,} to {high:,}, not {value!r}."
        )
    return number


def _shots(value: object, device: Device) -> int:
    most = MAX_SHOTS if device.simulator else MAX_QPU_SHOTS
    if not device.simulator and integer(value, "shots", MIN_SHOTS, MAX_SHOTS) > most:
        raise IonQBackendError(
            f"{device.name} takes {most:,} shots a job, not {value:,}. Split the run into several."
        )
    return integer(value, "shots", MIN_SHOTS, most)


def _boolean(value: object, name: str) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise IonQBackendError(f"{name} must be True or False, not {value!r}.")
    return bool(value)


def _text(value: object, name: str) -> str | None:
    if value is not None and not (isinstance(value, str) and value):
        raise IonQBackendError(f"{name} must be a str that is not empty, not {value!r}.")
    return value


def _seed(options: Mapping[str, Any]) -> int | None:
    """Return the seed of a run: Qiskit calls it `seed_simulator`, qiskit-ionq `sampler_seed`."""
    seeds = {
        integer(options[name], name, 0, MAX_SEED)
        for name in ("seed_simulator", "sampler_seed")
        if options[name] is not None
    }
    if len(seeds) > 1:
        raise IonQBackendError("seed_simulator and sampler_seed differ; give one of them.")
    return seeds.pop() if seeds else None


def _noise_model(value: object, device: Device) -> str:
    model = choice("ideal" if value is None else value, "noise_model", NOISE_MODELS)
    if model != "ideal" and not device.simulator:
        raise IonQBackendError(
            f"noise_model={model!r} is for the simulator: {device.name} has noise of its own. "
            "Use provider.get_backend('simulator'), or leave noise_model out."
        )
    return model


def _settings(options: Mapping[str, Any], device: Device, shots: int) -> dict[str, Any]:
    settings = dict(_json_object(options["job_settings"], "job_settings"))
    for name in settings:
        choice(name, "job_settings: a setting", _SETTINGS)
    for name in _json_object(settings.get("compilation"), "job_settings['compilation']"):
        choice(name, "job_settings: a setting of the compilation", _COMPILATION)
    mitigation = _mitigation(settings.pop("error_mitigation", None), "job_settings")
    mitigation |= _mitigation(options["error_mitigation"], "error_mitigation")
    if any(mitigation.values()) and device.simulator:
        raise IonQBackendError(
            f"IonQ mitigates errors on QPUs only, not on {device.name}: leave error_mitigation out."
        )
    if mitigation.get("debiasing") and shots < DEBIASING_SHOTS:
        raise IonQBackendError(
            f"Debiasing takes at least {DEBIASING_SHOTS} shots, not {shots}: ask for more, or "
            "leave error_mitigation out."
        )
    return {**settings, "error_mitigation": mitigation} if mitigation else settings


def _mitigation(value: object, name: str) -> dict[str, bool]:
    if value is None:
        return {}
    if isinstance(value, ErrorMitigation):
        return dict(value.value)
    if isinstance(value, bool):
        return {"debiasing": value}
    if not isinstance(value, Mapping):
        raise IonQBackendError(
            f"{name}: error mitigation is an ErrorMitigation, True, False, or a dict such as "
            f"{{'debiasing': True}}, not {value!r}."
        )
    return {
        choice(key, f"{name}: a method of error mitigation", _MITIGATIONS): _boolean(on, key)
        for key, on in value.items()
    }


def _json_object(value: object, name: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise IonQBackendError(f"{name} must be a dict with str keys, not {value!r}.")
    try:
        json.dumps(dict(value), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise IonQBackendError(f"{name} cannot be sent as JSON: {error}.") from error
    return value


def _extra_fields(value: object) -> Mapping[str, Any]:
    fields = _json_object(value, "extra_query_params")
    for name in fields:
        if name in _OWN_FIELDS:
            option = _OWN_FIELDS[name]
            advice = f"use the option {option}" if option else "it follows from circuit and backend"
            raise IonQBackendError(f"extra_query_params must not set {name!r}: {advice}.")
    return dict(fields)


def _extra_metadata(stored: Mapping[str, Any]) -> Mapping[str, str]:
    for name, text in stored.items():
        if name in OWN_METADATA:
            raise IonQBackendError(
                f"extra_metadata must not set {name!r}, by which the job's result is read or the "
                "job is found; choose another name."
            )
        if not isinstance(text, str):
            raise IonQBackendError(f"extra_metadata[{name!r}] must be a str, not {text!r}.")
        if len(name) > MAX_METADATA_NAME or len(text) > MAX_METADATA_VALUE:
            raise IonQBackendError(
                f"extra_metadata: IonQ keeps names of up to {MAX_METADATA_NAME} characters and "
                f"values of up to {MAX_METADATA_VALUE:,}; {name[:MAX_METADATA_NAME]!r} has "
                f"{len(name)} and {len(text):,}."
            )
    own = len(OWN_METADATA)
    if len(stored) > MAX_METADATA - own:
        raise IonQBackendError(
            f"extra_metadata has {len(stored)} keys: IonQ keeps {MAX_METADATA} with a job, and "
            f"{own} of them are for finding it and reading its result."
        )
    return stored
