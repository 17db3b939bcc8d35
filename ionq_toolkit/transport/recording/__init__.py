"""Recorded sessions: their file, their recorder and their replay."""
