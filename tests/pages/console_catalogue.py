"""The catalogues of the console: what is to be translated, and the files that hold it.

Run as a program it writes the template, brings every catalogue up to date and compiles it.
"""

from __future__ import annotations

import io
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

PAGES = Path(__file__).parents[2] / "plugins" / "fieldhr_plugins" / "console" / "pages"
LOCALES = PAGES / "locale"
_METHODS = [("**.py", "python"), ("templates/**.j2", "jinja2")]
_OPTIONS = {"templates/**.j2": {"trim_blocks": "true", "lstrip_blocks": "true", "extensions": ""}}
_KEYWORDS = {"_": None, "N_": None, "t": None, "n": (1, 2), "ngettext": (1, 2)}


def template() -> Catalog:
    """Return every text of the sources, without places: they would change with every line."""
    catalogue = Catalog(project="fieldhr", charset="utf-8", fuzzy=False)
    for _, _, message, comments, context in extract_from_dir(
        str(PAGES), _METHODS, _OPTIONS, keywords=_KEYWORDS, comment_tags=()
    ):
        catalogue.add(message, auto_comments=comments, context=context)
    return catalogue


def catalogue_of(folder: Path) -> Catalog:
    """Return a catalogue as it stands in its file."""
    with (folder / "LC_MESSAGES" / "console.po").open("rb") as file:
        return read_po(file, locale=folder.name)


def compiled(catalogue: Catalog) -> bytes:
    """Return a catalogue as it is shipped."""
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def folders() -> list[Path]:
    """Return the folders of all languages there are catalogues for."""
    return sorted(path.parents[1] for path in LOCALES.glob("*/LC_MESSAGES/console.po"))


def main() -> None:
    texts = template()
    for folder in folders():
        catalogue = catalogue_of(folder)
        catalogue.update(texts, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        path = folder / "LC_MESSAGES" / "console.po"
        with path.open("wb") as file:
            write_po(
                file, catalogue, sort_output=True, omit_header=False, width=0, ignore_obsolete=True, no_location=True
            )
        path.with_suffix(".mo").write_bytes(compiled(catalogue_of(folder)))
        missing = [message.id for message in catalogue if message.id and not message.string]
        print(folder.name, len(catalogue), "texts,", len(missing), "missing")


if __name__ == "__main__":
    main()
