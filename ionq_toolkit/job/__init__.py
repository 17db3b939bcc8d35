"""One job: its options, its submission, its state and the wait for its end."""
