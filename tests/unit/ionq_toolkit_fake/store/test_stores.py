"""Every store does the same; a file is refused in words that say what to do, and stays as it is."""

import gzip
import json
import multiprocessing
import os
import re
import sqlite3
import sys
import tempfile
from pathlib import Path

import pytest

from ionq_toolkit_fake import FakeIonQ
from ionq_toolkit_fake.store.base import Entry, StateError, StateFormatError, StateInUseError
from ionq_toolkit_fake.store.memory import MemoryStore
from ionq_toolkit_fake.store.migrations import MIGRATIONS
from ionq_toolkit_fake.store.sqlite import SqliteStore, write_snapshot

if sys.platform != "win32":
    import resource

A, B, OTHER = Entry("job", "a"), Entry("job", "b"), Entry("key", "a")


@pytest.fixture(params=["memory", "normal", "full"])
def store(request, tmp_path):
    if request.param == "memory":
        yield MemoryStore()
        return
    made = SqliteStore(tmp_path / "lab.db", synchronous=request.param)
    yield made
    made.close()


def entries(store):
    return {Entry(kind, key): value for kind in ("job", "key") for key, value in store.read(kind)}


def test_entries_are_written_replaced_and_removed(store):
    assert entries(store) == {}
    store.write({A: b"1", B: b"2", OTHER: b"\x00\xff"})
    store.write({A: b"3", B: None, Entry("job", "none"): None})
    assert entries(store) == {A: b"3", OTHER: b"\x00\xff"}


def test_clearing_removes_all_others_in_the_same_change(store):
    store.write({A: b"1", OTHER: b"2"})
    store.write({B: b"3"}, clear=True)
    assert entries(store) == {B: b"3"}


def test_entries_are_read_by_their_names(store):
    store.write({A: b"1", OTHER: b"2"})
    assert (store.get(*A), store.get("job", "b")) == (b"1", None)
    assert (store.keys("job"), store.keys("none")) == ({"a"}, set())


def test_several_entries_are_read_at_once(store):
    keys = [f"{number}" for number in range(1234)]
    store.write({Entry("job", key): key.encode() for key in keys} | {OTHER: b"2"})
    assert store.get_several("job", [*keys[3:], "none"]) == {key: key.encode() for key in keys[3:]}
    assert store.get_several("job", []) == store.get_several("none", keys) == {}


def test_entries_can_be_written_while_they_are_read(store):
    store.write({A: b"1", B: b"2"})
    read = store.read("job")
    next(read)
    store.write({OTHER: b"3"})
    list(read)
    assert entries(store)[OTHER] == b"3"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lab.db"


def test_file_is_there_again_after_it_was_closed(path):
    store = SqliteStore(path)
    store.write({A: b"1"})
    store.close()
    again = SqliteStore(path)
    assert entries(again) == {A: b"1"}
    again.close()
    assert {one.name for one in path.parent.iterdir()} == {"lab.db", "lab.db.lock"}


def test_change_that_fails_leaves_nothing_half_written(path):
    store = SqliteStore(path)
    store.write({A: b"1"})
    with pytest.raises(StateError, match="NOT NULL"):
        store.write({B: b"2", Entry("job", None): b"3"}, clear=True)
    assert entries(store) == {A: b"1"}
    store.close()


def test_second_cloud_on_a_file_is_refused_by_the_process_that_has_it(path):
    first = SqliteStore(path)
    with pytest.raises(
        StateInUseError, match=rf"lab.db is used by the cloud of process {os.getpid()} \(this"
    ):
        SqliteStore(path)
    first.close()
    SqliteStore(path).close()


def test_cloud_that_is_gone_leaves_its_file_free(path):
    SqliteStore(path).write({A: b"1"})
    again = SqliteStore(path)
    assert entries(again) == {A: b"1"}
    again.close()


def _in_fork(store, queue):
    try:
        store.write({B: b"2"})
    except StateInUseError as error:
        queue.put(str(error))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no forks")
def test_fork_does_not_write(path):
    store = SqliteStore(path)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_fork, args=(store, queue))
    child.start()
    assert f"is used by process {os.getpid()}, of which this is a fork" in queue.get(timeout=30)
    child.join(30)
    store.write({A: b"1"})
    assert entries(store) == {A: b"1"}
    store.close()


def database(path, *statements):
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


REFUSED = {
    "text": (lambda path: path.write_text("a diary, " * 500), "is damaged, or no state of a cloud"),
    "another program's": (lambda path: database(path, "CREATE TABLE t (x)"), "of another program"),
    "newer": (
        lambda path: database(
            path, "PRAGMA application_id = 1232039505", "PRAGMA user_version = 99"
        ),
        f"has version 99, and this ionq-toolkit reads up to version {len(MIGRATIONS)}: update",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_file_that_is_no_state_is_refused_and_stays_as_it_is(path, name):
    make, message = REFUSED[name]
    make(path)
    before = path.read_bytes()
    with pytest.raises(StateFormatError, match=message):
        SqliteStore(path)
    assert path.read_bytes() == before
    assert not path.with_name("lab.db-wal").exists()


def test_damaged_pages_are_refused(path):
    store = SqliteStore(path)
    store.write({Entry("job", str(n)): os.urandom(5000) for n in range(20)})
    store.close()
    content = bytearray(path.read_bytes())
    content[8192:60000] = b"x" * (60000 - 8192)
    path.write_bytes(content)
    with pytest.raises(StateFormatError, match=r"is damaged.*restore a snapshot"):
        entries(SqliteStore(path))


def test_empty_file_becomes_a_state(path):
    path.touch()
    SqliteStore(path).close()
    assert path.stat().st_size > 0


def test_full_disk_is_said_and_leaves_what_was_there(path):
    store = SqliteStore(path)
    store.write({A: b"1"})
    (pages,) = store._database.execute("PRAGMA page_count").fetchone()
    store._database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StateError, match=r"make room on its disk\. Nothing of this change"):
        store.write({B: b"x" * 100_000})
    store.write({A: b"2"})
    assert entries(store) == {A: b"2"}
    store.close()


@pytest.mark.parametrize("place", ["folder", "no/such/lab.db", "/proc/lab.db"])
def test_place_that_cannot_be_written_is_refused(tmp_path, place):
    (tmp_path / "folder").mkdir()
    with pytest.raises(StateError, match=r"is a folder|there is no folder|must be writable"):
        SqliteStore(tmp_path / place)


def in_fork(action):
    """Return what a function returns or raises in a process of its own."""

    def run(queue):
        try:
            queue.put(action())
        except StateError as error:
            queue.put(error)

    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=run, args=(queue,))
    child.start()
    found = queue.get(timeout=60)
    child.join(60)
    return found


@pytest.fixture
def others_folder():
    """Yield a folder that a user without rights can enter; pytest's own cannot be entered."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


def as_another_user(action):
    def act():
        if os.geteuid() == 0:  # root may write everywhere
            os.setgid(65534)
            os.setuid(65534)
        return action()

    return in_fork(act)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no forks")
@pytest.mark.parametrize("there", [False, True], ids=["new file", "file that is there"])
def test_folder_that_is_read_only_is_refused(others_folder, there):
    path = others_folder / "lab.db"
    if there:
        FakeIonQ(state=path).close()
        path.with_name("lab.db.lock").chmod(0o666)
    before = {one.name: one.read_bytes() for one in others_folder.glob("lab.db")}
    others_folder.chmod(0o555)
    error = as_another_user(lambda: FakeIonQ(state=path))
    assert isinstance(error, StateError)
    assert "the file and its folder must be writable. Change their permissions" in str(error)
    assert {one.name: one.read_bytes() for one in others_folder.glob("lab.db*")} == {
        **before,
        **({"lab.db.lock": path.with_name("lab.db.lock").read_bytes()} if there else {}),
    }


def with_little_room(action):
    """Do something in a process that cannot write more than 64 kB to a file."""

    def act():
        resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, resource.RLIM_INFINITY))
        return action()

    return in_fork(act)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_full_disk_in_a_migration_is_said_and_leaves_the_old_version(path):
    path.write_bytes(gzip.decompress((STATES / "version-1.db.gz").read_bytes()))
    with sqlite3.connect(path) as database:  # more than there is room for
        more = "SELECT kind, key || ?, value FROM entries WHERE kind IN ('job', 'submission')"
        for number in range(10):
            database.execute(f"INSERT INTO entries {more} AND length(key) = 36", (str(number),))
    database.close()
    error = with_little_room(lambda: SqliteStore(path).close())
    assert isinstance(error, StateError)
    assert "make room on its disk. Nothing of this change was written." in str(error)
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    store = SqliteStore(path)
    assert len(store.keys("job")) == 26 * 11
    store.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_full_disk_in_a_snapshot_is_said_and_leaves_no_file(path):
    store = SqliteStore(path)
    store.write({Entry("job", str(n)): os.urandom(4000) for n in range(50)})
    store.close()
    copy = path.with_name("copy.db")

    def act():
        store = SqliteStore(path)
        try:
            store.snapshot(copy)
        finally:
            store.close()

    error = with_little_room(act)
    assert isinstance(error, StateError)
    assert re.search("copy.db cannot be written.*make room on its disk", str(error))
    assert not list(path.parent.glob("*copy*"))
    store = SqliteStore(path)
    assert len(store.keys("job")) == 50
    store.close()


def test_state_of_qpus_that_are_not_described_any_more_is_refused(path):
    cloud = FakeIonQ(state=path, transitions={"ready": "never"})
    body = b'{"type":"ionq.circuit.v1","backend":"qpu.forte-1","input":{"qubits":1,"circuit":[]}}'
    made = cloud.handle("POST", "/v0.4/jobs", {"Authorization": "apiKey test"}, body)
    assert made.status == 201
    cloud.close()
    store = SqliteStore(path)
    ((job_id, value),) = store.read("submission")
    store.write({Entry("submission", job_id): value.replace(b"qpu.forte-1", b"qpu.other-1")})
    store.close()
    with pytest.raises(StateError, match=r"a job is on qpu.other-1, which .*--devices"):
        FakeIonQ(state=path)


def test_unknown_synchronous_is_refused(path):
    with pytest.raises(ValueError, match="must be one of"):
        SqliteStore(path, synchronous="off")


def test_older_version_is_migrated_at_once_or_not_at_all(path, monkeypatch):
    store = SqliteStore(path)
    store.write({A: b"1"})
    store.close()
    module = "ionq_toolkit_fake.store.sqlite.MIGRATIONS"

    def add(database):
        database.execute("ALTER TABLE entries ADD COLUMN more TEXT NOT NULL DEFAULT ''")

    monkeypatch.setattr(module, (*MIGRATIONS, add, lambda database: database.execute("no SQL")))
    with pytest.raises(StateError, match="syntax error"):
        SqliteStore(path)
    monkeypatch.setattr(module, MIGRATIONS)
    store = SqliteStore(path)  # still of the version before
    assert entries(store) == {A: b"1"}
    store.close()
    monkeypatch.setattr(module, (*MIGRATIONS, add))
    store = SqliteStore(path)
    assert entries(store) == {A: b"1"}
    assert store._database.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
    store.close()


STATES = Path(__file__).parents[3] / "support" / "states"


def test_file_of_version_1_is_migrated_with_all_that_is_in_it(path):
    path.write_bytes(gzip.decompress((STATES / "version-1.db.gz").read_bytes()))
    kept = json.loads((STATES / "version-1.json").read_text())
    cloud = FakeIonQ(state=path)

    def told(request, key="a-key-of-this-test"):
        response = cloud.handle("GET", f"/v0.4/{request}", {"Authorization": f"apiKey {key}"})
        return json.loads(response.body) if response.status == 200 else response.status

    for name, before in kept["jobs"].items():
        record = told(f"jobs/{before['id']}")
        found = {field: record[field] for field in before if field in record}
        for what in ("results/probabilities", "cost"):
            found[what] = told(f"jobs/{before['id']}/{what}")
        assert found == before, name
    assert [job["id"] for job in told("jobs")["jobs"]] == kept["listed"]
    (inside,) = told(f"sessions/{kept['session']}/jobs")["jobs"]
    assert inside["id"] == kept["jobs"]["in a session"]["id"]
    days = "start_date=2026-01-01&end_date=2026-12-31&group_by=user&modality=daily"
    assert told(f"organizations/com.example/usage?{days}")["amount_total"] == kept["amount"]
    assert told("health") == 503  # by a rule that is kept
    cloud.close()
    again = FakeIonQ(state=path)
    assert len(again.jobs) == 26
    again.close()
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert database.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_file_of_version_1_that_is_damaged_stays_as_it_is(path):
    path.write_bytes(gzip.decompress((STATES / "version-1.db.gz").read_bytes()))
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM entries WHERE kind = 'submission'")
        before = list(database.execute("SELECT * FROM entries"))
    database.close()
    with pytest.raises(StateFormatError, match="has version 1, and cannot be made one of version"):
        SqliteStore(path)
    with sqlite3.connect(path) as database:
        assert list(database.execute("SELECT * FROM entries")) == before
    database.close()


@pytest.mark.parametrize("synchronous", ["normal", "full"])
def test_removed_entries_leave_no_pages(path, synchronous):
    store = SqliteStore(path, synchronous=synchronous)
    names = [Entry("job", str(n)) for n in range(3000)]
    store.write(dict.fromkeys(names, b"x" * 4000))
    full = path.stat().st_size + path.with_name("lab.db-wal").stat().st_size
    for start in range(0, 3000, 100):
        store.write(dict.fromkeys(names[start : start + 100]))
    store.write({Entry("job", "last"): None})
    (pages,) = store._database.execute("PRAGMA page_count").fetchone()
    assert pages < 1100 < full // 4096  # what is left is for what comes next
    store.close()
    assert path.stat().st_size < 50_000


def test_snapshot_that_fails_leaves_no_file(tmp_path):
    with pytest.raises(StateError):
        write_snapshot(tmp_path / "copy.db", {Entry("job", None): b"1"})
    assert list(tmp_path.iterdir()) == []
