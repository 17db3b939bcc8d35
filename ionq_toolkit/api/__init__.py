"""IonQ's REST API: requests, records, credentials and metadata."""
