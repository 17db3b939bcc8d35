"""Artifacts, and the schemas of their formats."""

import jsonschema
import pytest

from ionq_toolkit_fake.api.formats import FORMATS

#: An example of each format, after those of the API document.
EXAMPLES = {
    "ionq.result.probabilities.json.v1": {"0": 0.5, "1": 0.25, "3": 0.25},
    "ionq.result.probabilities.json.v2": {
        "probabilities": {"registers": {"output_all": {"11": 0.5, "00": 0.5}}}
    },
    "ionq.result.histogram.json.v1": {"0": 500, "3": 500},
    "ionq.result.histogram.json.v2": {"histogram": {"registers": {"output_all": {"11": 500}}}},
    "ionq.result.shots.json.v1": ["2", "1", "3", "0"],
    "ionq.result.shots.json.v2": {
        "shots": [{"registers": {"mid": [0], "output_all": [1]}, "leakage_bits": [0]}]
    },
    "ionq.result.probabilities-aggregate.json.v1": {"06a2099c": {"2": 1}, "06a2099d": {"0": 0.5}},
    "ionq.qasm3.v1": "OPENQASM 3.0;",
    "ionq.native.v1": {"qubits": 2, "circuit": [{"gate": "gpi2", "target": 0, "phase": 0.75}]},
}
WRONG = {
    "ionq.result.probabilities.json.v1": {"0": 1.5},
    "ionq.result.probabilities.json.v2": {"0": 0.5},
    "ionq.result.histogram.json.v1": {"0": 0.5},
    "ionq.result.histogram.json.v2": {"histogram": {"output_all": {"11": 1}}},
    "ionq.result.shots.json.v1": {"0": "1"},
    "ionq.result.shots.json.v2": {"shots": [[0, 1]]},
    "ionq.result.probabilities-aggregate.json.v1": {"0": 0.5},
    "ionq.qasm3.v1": 3,
    "ionq.native.v1": {"circuit": []},
}


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_has_a_schema_that_tells_right_from_wrong(send, name):
    status, schema = send("GET", f"/schemas/formats/{name}")
    assert (status, schema["$id"]) == (200, name)
    assert schema["$schema"].startswith("https://json-schema.org/")
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    validator.validate(EXAMPLES[name])
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(WRONG[name])


def test_an_unknown_format_is_404(send):
    assert send("GET", "/schemas/formats/ionq.result.smell.json.v1")[0] == 404


def test_every_artifact_that_a_job_names_is_there_and_fits_its_schema(send, job_body):
    _, created = send("POST", "/jobs", job_body())
    job = send("GET", f"/jobs/{created['id']}")[1]
    descriptors = {k: v for k, v in job["results"].items() if k in FORMATS}
    assert list(descriptors) == [
        "ionq.result.probabilities.json.v1",
        "ionq.result.probabilities.json.v2",
    ]
    for name, descriptor in descriptors.items():
        assert descriptor["format"] == name
        status, content = send("GET", f"/jobs/{job['id']}/artifacts/{descriptor['id']}")
        assert status == 200
        schema = send("GET", f"/schemas/formats/{name}")[1]
        jsonschema.Draft7Validator(schema).validate(content)


@pytest.mark.parametrize("artifact", ["probabilities-aggregate", "unknown", "histogram"])
def test_an_artifact_that_the_job_does_not_have_is_404(send, job_body, artifact):
    _, job = send("POST", "/jobs", job_body())
    assert send("GET", f"/jobs/{job['id']}/artifacts/{artifact}")[0] == 404


def test_artifacts_are_there_once_the_job_is_completed(send, job_body):
    _, job = send("POST", "/jobs", job_body())
    send("PUT", f"/jobs/{job['id']}/status/cancel")
    assert send("GET", f"/jobs/{job['id']}/artifacts/probabilities")[0] == 404
