"""A backend of the client on a cloud of its own, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ionq_toolkit_fake.cloud import FakeIonQ

if TYPE_CHECKING:
    from ionq_toolkit import IonQBackend


def backend(
    name: str = "simulator",
    gateset: str = "qis",
    *,
    cloud: FakeIonQ | None = None,
    **settings: Any,  # noqa: ANN401 - those of FakeIonQ
) -> IonQBackend:
    """Return a backend of the client on a fake cloud: no key, no network.

    ::

        forte = ionq_toolkit_fake.backend("forte-1", seed=7)
        sum(forte.run(circuit, shots=100).get_counts().values())  # -> 100

    Args:
        name: Its name, in any customary spelling: ``"forte-1"``, ``"ionq_simulator"``.
        gateset: The gateset of its circuits: ``"qis"`` or ``"native"``.
        cloud: The cloud that it is on, which several backends can share; None: a new one.
        **settings: Arguments of `FakeIonQ` for a new cloud, such as `seed` or `transitions`.

    Raises:
        TypeError: Settings are given beside a cloud, or `FakeIonQ` has no such argument.
        ValueError: A setting is not valid.
        ionq_toolkit.errors.IonQBackendError: The name or the gateset is unknown.
    """
    from ionq_toolkit import InProcessTransport, IonQProvider  # noqa: PLC0415 - the seam

    if cloud is not None and settings:
        raise TypeError(f"{', '.join(settings)}: a setting is for a new cloud; leave out cloud=")
    if cloud is None:
        cloud = FakeIonQ(**settings)
    provider = IonQProvider(transport=InProcessTransport(cloud), seed=cloud.seed)
    return provider.get_backend(name, gateset)  # type: ignore[arg-type]
