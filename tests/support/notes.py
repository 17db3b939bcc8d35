"""What the page on fidelity says that a test run cannot know."""

#: Why no client drives an operation.
UNDRIVEN = {
    "GET /health": "none: for people, as qiskit-ionq's README shows",
    "GET /projects": "none: for people; a user recorded it",
    "GET /jobs/<job_id>/circuits/<lang>": "none any more: it is gone",
    "GET /jobs/<job_id>/results/histogram": "none: a job's url names it",
}

#: Why an operation refuses nothing.
UNREFUSED = {
    "GET /health": "none: it needs no key and takes nothing",
    "GET /backends": "none: it needs no key and takes nothing",
}

#: What is not known of an operation, and what the fake does.
UNKNOWN = {
    "GET /projects": "other fields; it shows the key's own project alone",
    "GET /backends": "`kw`, which is left out; what `average_queue_time` averages: here it is how "
    "long the jobs in the queue take to run",
    "GET /backends/<backend>": "as GET /backends",
    "GET /backends/<backend>/characterizations": "how far history reaches back: here 30 days "
    "before the cloud began; the values are drawn around each device's published ones",
    "GET /jobs": "what an unknown status or session in a filter does: it finds nothing",
    "POST /jobs": "how debiasing chooses qubits (at random); what symmetry verification drops "
    "(outcomes that the ideal circuit does not have); limits of shots of a machine "
    "(10,000) and of metadata (those of v0.3); what an unknown session does (400); what a retired "
    "or unavailable backend does (400)",
    "GET /jobs/<job_id>": "whether a failure says `message` or `error`: both; what becomes of a "
    "parent whose child fails: it fails; the order of characters in v2 formats: first bit last",
    "DELETE /jobs": "what one unknown id does: nothing is deleted (404)",
    "PUT /jobs/status/cancel": "what one unknown id does: nothing is canceled (404)",
    "PUT /jobs/<job_id>/status/cancel": "the results of a completed job that is canceled: they are "
    "gone; a failed one stays failed",
    "POST /jobs/<job_id>/clone": "what `parent` does: nothing",
    "POST /jobs/<job_id>/move": "all of it: a clone in the original's place, which is canceled; "
    "400 once it has started",
    "GET /jobs/<job_id>/artifacts/<artifact_id>": "whether a compiled circuit says on which qubits "
    "it ends, where it was routed: it does not; compiled circuits of OpenQASM 3 that measures "
    "midway: there are none",
    "GET /jobs/<job_id>/cost": "what a child job shows: no amounts",
    "GET /jobs/estimate": "names of SKUs and rate cards",
    "GET /jobs/<job_id>/results/probabilities": "the power of the aggregation `dnl` (2) and what "
    "`majority` does (each bit by itself); how small a probability is still shown: 1e-20",
    "POST /sessions": "limits without a setting: none",
    "GET /sessions": "the order: newest first",
    "POST /sessions/<session_id>/end": "what ending twice does: nothing",
    "GET /organizations/<organization_id>/usage": "how jobs are dated: by their completion",
}
