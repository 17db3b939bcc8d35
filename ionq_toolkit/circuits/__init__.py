"""From a QuantumCircuit to the circuit formats of IonQ."""
