"""The views of objects, in a notebook and on a terminal."""

from ionq_toolkit.display import html, text
from ionq_toolkit.display.view import Bar, Step, View, moment, money, shown

__all__ = ["Bar", "Step", "View", "html", "moment", "money", "shown", "text"]
