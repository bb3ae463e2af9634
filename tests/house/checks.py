"""What the layout of the house is checked for; each check takes a tree and tells what is wrong."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

MAX_ROOT_MODULES = 18
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50
TOP_OF_FILE = 20

# Not mirrored by a file of tests: packages and `python -m` hold no behaviour of their own, and the
# conformance suite is itself tests, run on every engine and on the mutants that it must reject.
NOT_MIRRORED = ("__init__.py", "__main__.py")
SUITE = "conformance"

UNWATCHED = {".hypothesis", "__pycache__", "build", "dist", "data", "node_modules"}
REASON = re.compile(r"^\s*(?:#|--)\s*long: \S", re.MULTILINE)
SQL = re.compile(
    r"^\s*(?:select|with)\s.*\bfrom\b|\binsert\s+into\s|\bupdate\s.+\sset\s|\bdelete\s+from\s",
    re.IGNORECASE | re.DOTALL,
)
HOME_OF_SOMEBODY = re.compile(r"(?<![\w.~*-])/(?:root|work|home/\w+|Users/\w+)/")
REGISTRY = re.compile(r"\b(?:pypi|pythonhosted|npmjs)\.(?:org|com)\b|--(?:extra-)?index-url")


def too_many_at_the_root(root: Path) -> list[str]:
    """More modules at the root of the package than one can keep in mind."""
    modules = [path.name for path in (root / "penstock").glob("*.py")]
    named = sorted(set(modules) - set(NOT_MIRRORED))
    if len(named) <= MAX_ROOT_MODULES:
        return []
    return [f"penstock/ holds {len(named)} modules, at most {MAX_ROOT_MODULES}: {named}"]


def modules_without_tests(root: Path) -> list[str]:
    """Modules whose file of tests is not where one looks for it."""
    package = root / "penstock"
    modules = (path.relative_to(package) for path in sorted(package.rglob("*.py")))
    return [
        f"penstock/{module} has no tests; write {_places(module)[0]}"
        for module in modules
        if module.name not in NOT_MIRRORED
        and module.parts[0] != SUITE
        and not any(_holds_tests(root / place) for place in _places(module))
    ]


def _places(module: Path) -> list[Path]:
    mirrored = Path("tests", module.parent, f"test_{module.name}")
    if module.parts[0] != "engines":
        return [mirrored]
    # The inside of an engine may be tested through its outside.
    engine = Path(module.parts[1]).stem
    return [mirrored, Path("tests/engines", f"test_{engine}.py"), Path("tests/engines", engine)]


def _holds_tests(place: Path) -> bool:
    return place.is_file() or any(place.glob("test_*.py"))


def unsorted_public_names(root: Path) -> list[str]:
    """Public names of the package that are missing or out of order."""
    names = _public_names(ast.parse((root / "penstock/__init__.py").read_text()))
    if names is None:
        return ["penstock/__init__.py has no __all__; list the public names"]
    if names == sorted(set(names)):
        return []
    return [f"penstock/__init__.py: write __all__ as {sorted(set(names))}"]


def _public_names(module: ast.Module) -> list[str] | None:
    for statement in module.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                return [str(name) for name in ast.literal_eval(value)]
    return None


def sql_in_python(root: Path) -> list[str]:
    """Statements that stand in Python instead of in a .sql file."""
    return [
        f"{path.relative_to(root)}:{line}: SQL in Python; move it to sql/<verb>.sql"
        for path in sorted((root / "penstock").rglob("*.py"))
        for line, text in _strings(ast.parse(path.read_text()))
        if SQL.search(text)
    ]


def _strings(module: ast.Module) -> Iterator[tuple[int, str]]:
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(module)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(module):
        match node:
            case ast.JoinedStr(values=values):
                yield node.lineno, "".join(_text(value) for value in values)
            case ast.Constant(value=str(text)) if id(node) not in docstrings:
                yield node.lineno, text


def _text(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else " ? "


def long_files(root: Path) -> list[str]:
    """Files that are long and do not say why."""
    return [
        f"{path.relative_to(root)} has {len(lines)} lines and no `long: <reason>` near its top"
        for path in _ours(root, ".py", ".sql", ".lua", ".sh")
        if len(lines := path.read_text().splitlines()) > MAX_FILE_LINES
        and not REASON.search("\n".join(lines[:TOP_OF_FILE]))
    ]


def long_functions(root: Path) -> list[str]:
    """Functions that nobody reads in one go."""
    return [
        f"{path.relative_to(root)}:{node.lineno}: {node.name} has {length} lines, "
        f"at most {MAX_FUNCTION_LINES}; find its steps"
        for path in _ours(root, ".py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
    ]


def traces_of_a_machine(root: Path) -> list[str]:
    """Directories of somebody's machine and hosts of package registries."""
    return [
        f"{path.relative_to(root)}:{number}: {found.group()} belongs to one machine; remove it"
        for path in _ours(root)
        for number, line in enumerate(_lines(path), start=1)
        if (found := HOME_OF_SOMEBODY.search(line) or REGISTRY.search(line))
    ]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except UnicodeDecodeError:
        return []  # pictures and the like


def _ours(root: Path, *suffixes: str) -> Iterator[Path]:
    for path in sorted(root.iterdir()):
        if path.name in UNWATCHED or path.name in {".git", ".venv"} or path.name.endswith("_cache"):
            continue
        if path.is_dir():
            yield from _ours(path, *suffixes)
        elif path.is_file() and (not suffixes or path.suffix in suffixes):
            yield path
