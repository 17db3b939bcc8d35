"""The devices: their catalogue, and what they were measured to be like."""

import pytest

from ionq_toolkit_fake import FakeIonQ
from ionq_toolkit_fake.facts.devices import DEVICES

PATH = "/backends/qpu.forte-1/characterizations"


def test_the_catalogue_has_every_family(send):
    by_name = {body["backend"]: body for body in send("GET", "/backends", headers={})[1]}
    shown = {name: (body["qubits"], body["status"]) for name, body in by_name.items()}
    assert shown == {
        "simulator": (29, "available"),
        "qpu.forte-1": (36, "available"),
        "qpu.forte-enterprise-1": (36, "available"),
        "qpu.forte-enterprise-2": (36, "unavailable"),
        "qpu.forte-enterprise-3": (36, "unavailable"),
        "qpu.tempo-1": (100, "unavailable"),
        "qpu.aria-1": (25, "retired"),
        "qpu.aria-2": (25, "retired"),
        "qpu.harmony": (11, "retired"),
    }
    assert by_name["qpu.aria-1"]["supported_native_gates"] == ["gpi", "gpi2", "ms"]
    assert by_name["qpu.forte-1"]["supported_native_gates"] == ["gpi", "gpi2", "zz"]


def test_only_tempo_has_restricted_connectivity(send):
    for name in DEVICES:
        records = send("GET", f"/backends/{name}/characterizations?limit=1")[1]["characterizations"]
        if records is None:
            assert name == "simulator"
            continue
        pairs, width = records[0]["connectivity"], records[0]["qubits"]
        complete = width * (width - 1) // 2
        assert len(pairs) == len({tuple(sorted(pair)) for pair in pairs})
        assert all(0 <= a < b < width for a, b in pairs)
        assert (len(pairs) < complete) is (name == "qpu.tempo-1")
    touched = {qubit for pair in DEVICES["qpu.tempo-1"].pairs for qubit in pair}
    assert touched == set(range(100))


def test_a_backend_names_its_newest_characterization(send):
    current = send("GET", "/backends/qpu.forte-1")[1]["characterization_id"]
    newest = send("GET", PATH + "?limit=1")[1]["characterizations"][0]
    assert newest["id"] == current
    status, same = send("GET", f"{PATH}/{current}")
    assert (status, same["date"]) == (200, "2026-01-01T00:00:00Z")
    assert send("GET", PATH.replace("forte-1", "aria-1") + "/" + current)[0] == 404


def test_characterizations_are_listed_newest_first_in_pages(send):
    pages = [send("GET", f"{PATH}?limit=10&page={page}")[1] for page in (1, 2, 3, 4, 5)]
    dates = [r["date"] for page in pages[:4] for r in page["characterizations"]]
    assert (len(dates), dates) == (31, sorted(dates, reverse=True))
    assert len(set(dates)) == 31
    assert [page["pages"] for page in pages] == [4] * 5
    assert pages[4]["characterizations"] == []


def test_they_are_of_the_dates_asked_for_the_last_included(send):
    query = "?start=2025-12-30&end=2025-12-31T00:00:00Z"
    dates = [record["date"][:10] for record in send("GET", PATH + query)[1]["characterizations"]]
    assert dates == ["2025-12-31", "2025-12-30"]


def test_a_day_later_there_is_one_more(send, cloud):
    before = send("GET", PATH + "?limit=1")[1]["characterizations"][0]
    cloud.clock.sleep(86_400)
    after = send("GET", PATH + "?limit=2")[1]["characterizations"]
    assert [record["date"][:10] for record in after] == ["2026-01-02", "2026-01-01"]
    assert after[1]["id"] == before["id"]


def test_a_retired_device_has_been_measured_until_its_last_day(send):
    path = "/backends/qpu.harmony/characterizations?limit=1"
    assert send("GET", path)[1]["characterizations"][0]["date"] == "2024-08-31T00:00:00Z"


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("limit=0", "limit"),
        ("limit=11", "limit"),
        ("page=0", "page"),
        ("start=yesterday", "start"),
        ("end=2026-02-30", "end"),
    ],
)
def test_nonsense_is_refused(send, query, key):
    status, reply = send("GET", f"{PATH}?{query}")
    assert (status, reply["validation"]) == (400, {"source": "query", "keys": [key]})


def test_medians_lie_around_the_published_ones_and_some_are_missing(send):
    records = []
    for page in range(1, 5):
        records += send("GET", f"{PATH}?page={page}")[1]["characterizations"]
    singles = [send("GET", f"{PATH}/{record['id']}")[1]["fidelity"] for record in records]
    found = [one["2q"]["median"] for one in singles]
    assert None in found
    present = [value for value in found if value is not None]
    assert pytest.approx(sum(present) / len(present), abs=2e-4) == 0.99536
    assert len(set(present)) > 10
    # On a page, a missing median is that of the next newer record: all but the first are there.
    gaps = [record["fidelity"]["2q"]["median"] for record in records if record is not records[0]]
    assert gaps.count(None) < found.count(None)


def test_the_same_seed_measures_the_same():
    def newest(seed):
        cloud = FakeIonQ(seed=seed)
        return cloud.facility.newest("qpu.forte-1")

    assert newest(1) == newest(1)
    assert newest(1).spam != newest(2).spam


def test_statuses_can_be_set(sender, job_body):
    cloud = FakeIonQ(seed=1, statuses={"qpu.aria-1": "available", "qpu.forte-1": "unavailable"})
    send = sender(cloud)
    assert send("GET", "/backends/qpu.aria-1")[1]["status"] == "available"
    assert send("POST", "/jobs", job_body(backend="qpu.aria-1"))[0] == 201
    status, reply = send("POST", "/jobs", job_body(backend="qpu.forte-1"))
    assert (status, reply["validation"]["keys"]) == (400, ["backend"])
    assert reply["message"] == "backend qpu.forte-1 is unavailable"


@pytest.mark.parametrize(
    ("statuses", "message"),
    [
        ({"qpu.none": "available"}, "no backend"),
        ({"qpu.forte-1": "tired"}, "no status of .* 'tired'"),
    ],
)
def test_statuses_of_nothing_are_errors(statuses, message):
    with pytest.raises(ValueError, match=message):
        FakeIonQ(statuses=statuses)
