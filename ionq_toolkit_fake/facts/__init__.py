"""Tables of facts about the service, each with its source."""
