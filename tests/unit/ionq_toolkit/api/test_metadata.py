import base64
import gzip
import json

import numpy as np
import pytest

from ionq_toolkit import errors
from ionq_toolkit.api import metadata


def test_encode_stores_metadata_in_qiskit_ionqs_form():
    stored = metadata.encode({"name": "c", "n_qubits": 2}, shots=100, seed=7, memory=True)

    assert all(isinstance(v, str) for v in stored.values())
    assert (stored["shots"], stored["sampler_seed"], stored["memory"]) == ("100", "7", "true")
    unpacked = json.loads(gzip.decompress(base64.b64decode(stored["qiskit_header"])))
    assert unpacked == {"name": "c", "n_qubits": 2}
    assert metadata.decode_headers(stored, "job-1") == [unpacked]


def test_the_same_circuit_is_stored_as_the_same_bytes():
    first, second = (metadata.encode({"name": "c"}, shots=1, seed=1, memory=False) for _ in "ab")
    assert first == second
    # gzip would put the time of day into bytes 4 to 7.
    assert base64.b64decode(first["qiskit_header"])[4:8] == bytes(4)
    assert "memory" not in first


@pytest.mark.parametrize("value", [np.arange(3), float("nan"), {1, 2}, object()])
def test_circuit_metadata_that_is_not_json_is_refused(value):
    with pytest.raises(errors.IonQJobError, match="metadata of circuit 'c'"):
        metadata.encode({"name": "c", "metadata": {"k": value}}, shots=1, seed=1, memory=False)


def test_headers_of_several_circuits_are_a_list_in_their_order():
    headers = [{"name": "b", "n_qubits": 2}, {"name": "a", "n_qubits": 3}]
    stored = metadata.encode(headers, shots=100, seed=7, memory=False)
    assert metadata.decode_headers(stored, "job-1") == headers
    unpacked = json.loads(gzip.decompress(base64.b64decode(stored["qiskit_header"])))
    assert unpacked == headers


def test_the_circuit_whose_metadata_is_refused_is_named():
    headers = [{"name": "good"}, {"name": "bad", "metadata": {"k": object()}}]
    with pytest.raises(errors.IonQJobError, match="metadata of circuit 'bad'"):
        metadata.encode(headers, shots=1, seed=1, memory=False)


def test_decode_headers_returns_none_without_a_header():
    assert metadata.decode_headers({"shots": "1"}, "job-1") is None


def packed(content):
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


@pytest.mark.parametrize(
    "header",
    [
        "not base64!",
        "",
        12,
        base64.b64encode(b"not gzip").decode(),
        packed(b"{}")[:20],
        packed(b"not json"),
        packed(b"\xff"),
        packed(b'"text"'),
        packed(b"[{}, 7]"),
    ],
)
def test_a_spoiled_header_is_a_job_error_that_names_the_job(header):
    with pytest.raises(errors.IonQJobError, match="job-1") as caught:
        metadata.decode_headers({"qiskit_header": header}, "job-1")
    assert caught.value.job_id == "job-1"


@pytest.mark.parametrize(
    "text",
    [
        b"[" + b" " * 2**24 + b"]",
        b"[{}" + b",{}" * 750_000 + b"]",
        b"[" * 1_500_001,
    ],
)
def test_headers_that_unpack_to_very_much_are_refused(text):
    packed = base64.b64encode(gzip.compress(text)).decode()
    assert len(packed) < 100_000
    with pytest.raises(errors.IonQJobError, match="more than 16777216 bytes or 1500000 values"):
        metadata.decode_headers({"qiskit_header": packed}, "job-1")


def test_headers_that_cannot_be_read_back_are_not_sent():
    with pytest.raises(errors.IonQJobError, match="fewer circuits"):
        metadata.encode({"name": "c" * 2**24}, shots=1, seed=1, memory=False)


def test_headers_of_as_many_circuits_as_a_job_takes_are_read():
    header = {"name": "circuit-1", "n_qubits": 36, "creg_sizes": [["c", 36]]}
    header["clbit_labels"] = [["c", place] for place in range(36)]
    headers = [{**header, "name": f"circuit-{number}"} for number in range(5000)]
    stored = metadata.encode(headers, shots=1, seed=1, memory=False)
    assert metadata.decode_headers(stored, "job-1") == headers


def test_headers_without_their_end_are_refused():
    packed = gzip.compress(b'{"name": "c"}')[:-9]
    stored = {"qiskit_header": base64.b64encode(packed).decode()}
    with pytest.raises(errors.IonQJobError, match="cannot be read"):
        metadata.decode_headers(stored, "job-1")
