"""A Bell pair on the local fake: no key, no network.

With IONQ_API_KEY set, IonQProvider() instead runs the same on the real service.
"""

from qiskit import QuantumCircuit

from ionq_toolkit import IonQProvider

circuit = QuantumCircuit(2)
circuit.h(0)
circuit.cx(0, 1)
circuit.measure_all()

backend = IonQProvider(transport="fake").get_backend("ionq_simulator")
job = backend.run(circuit, shots=1000)

print("job   ", job.job_id())
print("status", job.status().name)
print("counts", job.get_counts())
