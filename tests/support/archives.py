"""Small whole files of the kinds that are stored as they are."""

import io
import zipfile
from collections.abc import Mapping


def zip_of(members: Mapping[str, bytes], comment: bytes = b"") -> bytes:
    """A zip archive of these members, not compressed, as Citi Bike's are."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name), content)
        file.comment = comment
    return archive.getvalue()


def parquet_of(content: bytes, footer: bytes = b"footer") -> bytes:
    """What can be told of a parquet file without reading its columns."""
    return b"PAR1" + content + footer + len(footer).to_bytes(4, "little") + b"PAR1"
