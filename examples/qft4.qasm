// The quantum Fourier transform of a comb of period 4 on four qubits: the states 0, 4, 8 and 12
// in equal superposition. Its spectrum is again a comb: 0000, 0100, 1000 and 1100.
OPENQASM 3.0;
include "stdgates.inc";

qubit[4] q;
bit[4] c;

// the comb
h q[2];
h q[3];

// the transform
h q[3];
cp(pi / 2) q[2], q[3];
h q[2];
cp(pi / 4) q[1], q[3];
cp(pi / 2) q[1], q[2];
h q[1];
cp(pi / 8) q[0], q[3];
cp(pi / 4) q[0], q[2];
cp(pi / 2) q[0], q[1];
h q[0];
swap q[0], q[3];
swap q[1], q[2];

c = measure q;
