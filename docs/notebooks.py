"""The notebooks as pages of the site: each is run, and stands there with its outputs."""

from typing import Any

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from nbclient import NotebookClient
from nbconvert import MarkdownExporter

# Pictures let the page's colour through, white or dark, and titles have the ink of fastnet.plot. So
# said before the first cell, and not shown.
BARE = """import matplotlib
matplotlib.rcParams.update(
    {"figure.facecolor": "none", "axes.facecolor": "none", "text.color": "#797979"}
)"""
WHERE = "!!! note\n    This page is [a notebook]({name}.ipynb), run when the site was built.\n"


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """Add a page, and its pictures, for each notebook; the notebook itself is there to be taken."""
    for found in [file for file in files if file.src_uri.endswith(".ipynb")]:
        book = nbformat.reads(found.content_string, as_version=4)
        book.cells.insert(0, nbformat.v4.new_code_cell(BARE))
        NotebookClient(book, timeout=400, kernel_name="python3").execute()
        del book.cells[0]
        for cell in book.cells:  # what was compiled, and where to
            if "outputs" in cell:
                cell.outputs = [one for one in cell.outputs if one.get("name") != "stderr"]
        place = found.src_uri.removesuffix(".ipynb")
        name = place.rpartition("/")[2]
        settings = {"output_files_dir": name, "unique_key": name}
        text, resources = MarkdownExporter().from_notebook_node(book, settings)
        title, _, rest = text.lstrip().partition("\n")
        text = f"{title}\n\n{WHERE.format(name=name)}\n{rest}"
        files.append(File.generated(config, f"{place}.md", content=text))
        for picture, content in resources["outputs"].items():
            uri = f"{place.rpartition('/')[0]}/{picture}"
            files.append(File.generated(config, uri, content=content))
    return files
