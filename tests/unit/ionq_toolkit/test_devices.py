import pytest

from ionq_toolkit import errors
from ionq_toolkit.devices import DEVICES, NOISE_MODELS, RETIRED_DEVICES, find_device


@pytest.mark.parametrize(
    "name",
    ["forte-1", "qpu.forte-1", "ionq_qpu.forte-1", "ionq_forte-1", "FORTE-1", "IonQ_QPU.Forte-1"],
)
def test_every_customary_spelling_is_the_same_device(name):
    assert find_device(name).api_name == "qpu.forte-1"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("fort-1", r"Did you mean 'forte-1'"),
        ("simulater", r"Did you mean 'simulator'\?"),
        ("aria1", r"Did you mean 'aria-1'"),
        ("ionq_simulatorXYZ", r"Did you mean 'simulator'\?"),
        ("ibm_torino", r"^IonQ has no backend 'ibm_torino'. There are: ionq_simulator,"),
        ("qpu", "There are"),
        ("", "There are"),
    ],
)
def test_an_unknown_name_is_refused_with_those_nearest_to_it(name, hint):
    with pytest.raises(errors.IonQBackendNotFoundError, match=hint):
        find_device(name)


@pytest.mark.parametrize(("name", "width"), [("aria-1", 25), ("aria-2", 25), ("harmony", 11)])
def test_retired_devices_are_known_and_not_offered(name, width):
    device = find_device(name)
    assert (device.num_qubits, device.retired) == (width, True)
    assert device in RETIRED_DEVICES
    assert device not in DEVICES
    with pytest.raises(errors.IonQBackendNotFoundError) as caught:
        find_device("nothing")
    assert device.name not in str(caught.value)


def test_each_family_has_its_own_gate_on_two_qubits():
    for device in (*DEVICES, *RETIRED_DEVICES):
        if not device.simulator:
            entangler = "zz" if "forte" in device.api_name else "ms"
            assert device.native_gates == ("gpi", "gpi2", entangler)
            assert device.connectivity is None
    assert set(find_device("simulator").native_gates) == {"gpi", "gpi2", "ms", "zz"}


@pytest.mark.parametrize(
    ("model", "width", "entanglers"),
    [
        ("ideal", 29, {"ms", "zz"}),
        (None, 29, {"ms", "zz"}),
        ("a-model-of-next-year", 29, {"ms", "zz"}),
        ("aria-1", 25, {"ms"}),
        ("harmony", 11, {"ms"}),
        ("forte-1", 29, {"zz"}),
        ("forte-enterprise-1", 29, {"zz"}),
    ],
)
def test_the_simulator_is_as_wide_as_its_noise_model(model, width, entanglers):
    device = find_device("simulator").under(model)
    assert device.num_qubits == width
    assert set(device.native_gates) & {"ms", "zz"} == entanglers
    assert device.api_name == "simulator"


def test_a_qpu_has_no_noise_model():
    forte = find_device("forte-1")
    assert all(forte.under(model) is forte for model in (*NOISE_MODELS, None))


def test_devices_agree_with_the_clouds_backends(provider):
    listed = {entry["backend"]: entry for entry in provider.client.get_backends()}
    for device in (*DEVICES, *RETIRED_DEVICES):
        entry = listed[device.api_name]
        assert entry["qubits"] == device.num_qubits
        assert (entry["status"] == "retired") == device.retired
        assert set(entry["supported_native_gates"]) <= set(device.native_gates)
