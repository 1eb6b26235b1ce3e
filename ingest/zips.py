"""The end of a zip archive: what it says of itself, held to what is there. Pure.

https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3.12 to 4.3.16.
"""

import struct
from dataclasses import dataclass

_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")
# What does not fit into a field stands in the record of zip64.
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF


class NotZipError(ValueError):
    """The bytes are not the end of a whole zip archive."""


@dataclass(frozen=True, slots=True)
class _Directory:
    """The central directory: how many entries, how many bytes, and where it begins."""

    entries: int
    size: int
    offset: int


def check_end(tail: bytes, size: int) -> None:
    """Check the end of an archive of `size` bytes; raise NotZipError where it is not whole.

    `tail` are its last bytes. The entries are looked at where `tail` has the whole directory.
    """
    begin = size - len(tail)
    directory, end = _directory(tail, begin)
    if directory.offset + directory.size != end:
        raise NotZipError(
            f"the file is no whole zip archive: its directory of {directory.size} bytes at "
            f"{directory.offset} does not end where its end record begins, at {end}"
        )
    if directory.offset >= begin:
        _check_entries(tail[directory.offset - begin : end - begin], directory)


def _directory(tail: bytes, begin: int) -> tuple[_Directory, int]:
    """Return what the end record says, and where the directory must end."""
    at = _end_record(tail)
    _, disk, first_disk, here, entries, size, offset, _ = _END.unpack_from(tail, at)
    if not {_FULL_16, _FULL_32} & {here, entries, size, offset}:
        if disk or first_disk or here != entries:
            raise NotZipError("the file is one part of a zip archive of several")
        return _Directory(entries, size, offset), begin + at
    # Too large for the record, or just so large.
    locator = at - _LOCATOR_64.size
    if locator < 0 or tail[locator : locator + 4] != b"PK\6\7":
        return _Directory(entries, size, offset), begin + at
    record = _LOCATOR_64.unpack_from(tail, locator)[2]
    if not begin <= record <= begin + locator - _END_64.size:
        raise NotZipError("the file is no whole zip archive: its zip64 record is elsewhere")
    found = _END_64.unpack_from(tail, record - begin)
    if found[0] != b"PK\6\6":
        raise NotZipError("the file is no whole zip archive: it has no zip64 record")
    return _Directory(*found[-3:]), record


def _end_record(tail: bytes) -> int:
    """Find the end record: the last one whose comment ends with the file."""
    at = len(tail) - _END.size
    while (at := tail.rfind(b"PK\5\6", 0, at + 4)) >= 0:
        if at + _END.size + _END.unpack_from(tail, at)[-1] == len(tail):
            return at
        at -= 1
    raise NotZipError("the file is no whole zip archive: it has no end record")


def _check_entries(directory: bytes, said: _Directory) -> None:
    position = entries = 0
    while position + _ENTRY.size <= len(directory):
        found = _ENTRY.unpack_from(directory, position)
        offset = found[16]
        if found[0] != b"PK\1\2" or (offset >= said.offset and offset != _FULL_32):
            break
        position += _ENTRY.size + sum(found[10:13])
        entries += 1
    if position != len(directory) or entries != said.entries:
        raise NotZipError(
            f"the file is no whole zip archive: {entries} of its {said.entries} entries there"
        )
