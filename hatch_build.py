"""The links of the index page and the addresses of the project, which follow from one address.

`address` in `pyproject.toml`, or the variable `IONQ_TOOLKIT_ADDRESS`, is that of the repository. An
index page does not resolve relative links. Without an address they stay as they are.
"""

import os
import re
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

#: An image or a link, and its path in the repository.
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)\s]+)\)")


class CustomMetadataHook(MetadataHookInterface):
    """Adds `readme` and `urls`."""

    def update(self, metadata: dict) -> None:
        """Add them to the metadata of the project."""
        text = (Path(self.root) / "README.md").read_text("utf-8")
        address = os.environ.get("IONQ_TOOLKIT_ADDRESS") or self.config.get("address", "")
        address = address.rstrip("/")
        tag, urls = f"v{metadata['version']}", {}

        def absolute(link: re.Match) -> str:
            kind = "raw" if link[1] else "blob"
            return f"{link[1]}[{link[2]}]({address}/{kind}/{tag}/{link[3]})"

        if address:
            text = LINK.sub(absolute, text)
            urls = {
                "Source": address,
                "Documentation": f"{address}/blob/{tag}/docs/index.md",
                "Changelog": f"{address}/blob/{tag}/CHANGELOG.md",
                "Issues": f"{address}/issues",
            }
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
        metadata["urls"] = urls
