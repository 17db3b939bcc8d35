"""A cloud that several people use: keys see the jobs of their project, and no other."""

import json
import os
import signal
import subprocess
import sys

import pytest

from ionq_toolkit import IonQProvider
from ionq_toolkit_fake import FakeIonQ
from ionq_toolkit_fake.api.operations import OPERATIONS, OPERATIONS_V03

OWNER, COLLEAGUE, OTHER = "the-key-of-the-owner", "the-key-of-a-colleague", "the-key-of-another"
KEYS = {OWNER: "one", COLLEAGUE: "one", OTHER: "two"}
COIN = {"qubits": 1, "circuit": [{"gate": "h", "target": 0}]}
JOB = {"type": "ionq.circuit.v1", "backend": "qpu.forte-1", "shots": 100, "input": COIN}
SEVERAL = {
    **JOB,
    "type": "ionq.multi-circuit.v1",
    "input": {"qubits": 1, "circuits": [COIN, COIN]},
}
DAYS = "start_date=2026-01-01&end_date=2026-12-31&group_by=job&modality=daily"


class Team:
    """A cloud with the jobs and the session of an owner."""

    def __init__(self):
        self.cloud = FakeIonQ(3, keys=KEYS)
        self.session = self.sent("POST", "/v0.4/sessions", {"backend": "qpu.forte-1"})["id"]
        bodies = ({**JOB, "name": "done", "session_id": self.session}, SEVERAL)
        self.ids = [self.sent("POST", "/v0.4/jobs", body)["id"] for body in bodies]
        for one in self.ids:
            self.sent("GET", f"/v0.4/jobs/{one}")
        self.ids += [job.id for job in self.cloud.jobs if job.parent_id is not None]
        self.ids.append(self.sent("POST", "/v0.4/jobs", JOB)["id"])
        self.artifact = next(
            found["id"]
            for found in self.sent("GET", f"/v0.4/jobs/{self.ids[0]}")["results"].values()
            if "id" in found
        )

    def ask(self, method, path, body=None, key=OWNER):
        content = None if body is None else json.dumps(body).encode()
        return self.cloud.handle(method, path, {"Authorization": f"apiKey {key}"}, content)

    def sent(self, *request, key=OWNER):
        response = self.ask(*request, key=key)
        assert response.status < 300, (request, response)
        return json.loads(response.body)

    def seen(self, key=OWNER):
        """Return everything that a key sees of the owner's."""
        found = [self.ask("GET", f"/v0.4/jobs/{one}", key=key)[::2] for one in self.ids[:4]]
        return [*found, self.ask("GET", f"/v0.4/sessions/{self.session}", key=key)[::2]]


@pytest.fixture(scope="module")
def team():
    return Team()


#: Queries and bodies of operations, in which JOB and SESSION stand for those of the owner.
VARIANTS = {
    "GET /jobs": ["", "?ids=JOB", "?next=JOB", "?parent_job_id=JOB", "?session_id=SESSION"],
    "GET /v0.3/jobs": ["", "?id=JOB", "?ids=JOB", "?next=JOB", "?parent_job_id=JOB"],
    "GET /organizations/<organization_id>/usage": [f"?{DAYS}"],
}
BODIES = {
    "POST /jobs": {**JOB, "session_id": "SESSION"},
    "POST /v0.3/jobs": {"target": "simulator", "input": COIN},
    "POST /sessions": {"backend": "qpu.forte-1"},
    "DELETE /jobs": {"ids": ["JOB"]},
    "PUT /jobs/status/cancel": {"ids": ["JOB"]},
    "DELETE /v0.3/jobs": {"ids": ["JOB"]},
    "PUT /v0.3/jobs/status/cancel": {"ids": ["JOB"]},
    "POST /jobs/<job_id>/clone": {},
    "POST /jobs/<job_id>/move": {"backend": "simulator"},
}


@pytest.mark.parametrize("operation", [*OPERATIONS, *OPERATIONS_V03], ids=lambda one: one.name)
def test_no_operation_shows_or_changes_a_job_or_a_session_of_another_key(team, operation):
    before = team.seen()
    method, path = operation.name.split(" ")
    body = json.dumps(BODIES[operation.name]) if operation.name in BODIES else None
    values = {
        "organization_id": "com.example",
        "artifact_id": team.artifact,
        "lang": "native",
        "backend": "qpu.forte-1",
        "format": "none",
        "characterization_id": "none",
        "session_id": team.session,
    }
    for one in team.ids:
        full = path if path.startswith("/v0.3") else f"/v0.4{path}"
        for name, value in {**values, "job_id": one}.items():
            full = full.replace(f"<{name}>", value)
        for query in VARIANTS.get(operation.name, [""]):
            put = {"JOB": one, "SESSION": team.session}
            sent, asked = body, query
            for name, value in put.items():
                sent = sent and sent.replace(f'"{name}"', f'"{value}"')
                asked = asked.replace(name, value)
            content = None if sent is None else json.loads(sent)
            response = team.ask(method, f"{full}{asked}", content, key=OTHER)
            shown = response.body.decode(errors="replace")
            if "<job_id>" in path or "<session_id>" in path or "JOB" in (body or ""):
                assert response.status in {404, 410}, (full, response)
            if "message" in shown:  # a refusal may repeat what was asked for
                assert response.status >= 400
                continue
            assert not [secret for secret in (*team.ids, team.session) if secret in shown], shown
    assert team.seen() == before


def test_a_key_of_the_same_project_sees_what_its_owner_sees(team):
    assert team.seen(key=COLLEAGUE) == team.seen()
    usage = f"/v0.4/organizations/com.example/usage?{DAYS}"
    groups = team.sent("GET", usage, key=COLLEAGUE)["usage_data"][0]["group_usages"]
    assert {team.ids[0], team.ids[1]} <= {group["group_id"] for group in groups}


CLIENT = """
import json
from qiskit import QuantumCircuit
from ionq_toolkit import IonQProvider
bell = QuantumCircuit(2, 2)
bell.h(0); bell.cx(0, 1); bell.measure([0, 1], [0, 1])
backend = IonQProvider().get_backend("ionq_simulator")
jobs = [backend.run(bell, shots=50, noise_model="aria-1") for _ in range(4)]
waits = backend.run(bell, shots=50, noise_model="aria-1")
listed = [job.job_id() for job in backend.jobs(limit=50)]
print(json.dumps({"counts": {job.job_id(): job.get_counts() for job in jobs},
                  "last": waits.job_id(), "listed": listed}))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_processes_of_clients_share_a_server_that_is_killed_and_read_their_jobs_the_next_day(
    tmp_path,
):
    (tmp_path / "keys").write_text("".join(f"{key} {project}\n" for key, project in KEYS.items()))
    code = "from ionq_toolkit_fake.cli import main; main()"
    options = ["serve", "--port", "0", "--workers", "1", "--state", "lab.db", "--keys", "keys"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    def started(*arguments, **more):
        return subprocess.Popen(
            [sys.executable, "-c", *arguments],
            cwd=tmp_path,
            env={**environment, **more},
            stdout=subprocess.PIPE,
            text=True,
        )

    def serve():
        server = started(code, *options)
        return server, server.stdout.readline().split()[-1]

    server, url = serve()
    try:
        clients = {key: started(CLIENT, IONQ_API_URL=url, IONQ_API_KEY=key) for key in KEYS}
        told = {
            key: json.loads(client.communicate(timeout=60)[0]) for key, client in clients.items()
        }
        os.kill(server.pid, signal.SIGKILL)
        server.communicate()
        server, url = serve()  # the next day
        for key, project in KEYS.items():
            with IonQProvider(key, url) as provider:
                backend = provider.get_backend("ionq_simulator")
                for job_id, counts in told[key]["counts"].items():
                    assert backend.retrieve_job(job_id).get_counts() == counts
                assert sum(backend.retrieve_job(told[key]["last"]).get_counts().values()) == 50
                mine = {
                    one
                    for other, found in told.items()
                    if KEYS[other] == project
                    for one in (*found["counts"], found["last"])
                }
                assert {job.job_id() for job in backend.jobs(limit=100)} == mine
                assert {*told[key]["listed"]} <= mine
                assert len(mine) == 5 * list(KEYS.values()).count(project)
    finally:
        server.kill()
        server.communicate()
