"""docs/code.md names each module of ingest/ in the section whose imports it keeps to."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INGEST = ROOT / "ingest"
_SECTIONS = re.split("^## ", (ROOT / "docs" / "code.md").read_text(), flags=re.MULTILINE)[1:]
SECTION = {
    name: number
    for number, section in enumerate(_SECTIONS)
    for name in re.findall(r"`(\w+(?:\.py|\.yaml|/))`", section)
}
TOP = [f"{path.name}/" if path.is_dir() else path.name for path in INGEST.iterdir()]
MODULES = sorted(path.name for path in INGEST.glob("*.py") if path.name != "__init__.py")


def test_each_room_is_named_once() -> None:
    text = (ROOT / "docs" / "code.md").read_text()
    rooms = {*TOP} - {"__init__.py", "__pycache__/"}
    assert rooms <= SECTION.keys()
    for room in rooms:
        assert len(re.findall(f"`{re.escape(room)}`", text)) == 1, room
    assert SECTION.keys() <= rooms
    for path in re.findall(r"`(local/\w+\.py)`", text):
        assert (INGEST / path).exists(), path


@pytest.mark.parametrize("module", MODULES)
def test_no_module_imports_from_a_section_above_its_own(module: str) -> None:
    for node in ast.walk(ast.parse((INGEST / module).read_text())):
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        first, *parts = node.module.split(".")
        if first != "ingest":
            continue
        names = parts[:1] or [a.name for a in node.names if a.name != "__version__"]
        for name in names:
            room = f"{name}/" if (INGEST / name).is_dir() else f"{name}.py"
            assert SECTION[room] >= SECTION[module], f"{module} imports {room}"
