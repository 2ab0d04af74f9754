"""The rooms keep their direction: config → scoring → cities → indicators → accounts, the engine below all."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ["config", "scoring", "cities", "indicators", "accounts"]  # from above to below
ENGINE = "scoring.engine"
HEAVY = {"pandas", "plotly", "openpyxl"}
# Shown and sent by somebody else's hand: what a room's rules and maths must never know.
HTTP = ("django.http", "django.shortcuts", "django.views", "django.contrib.messages", "django.template")


def modules() -> dict[str, Path]:
    found = {}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            parts = list(path.relative_to(ROOT).with_suffix("").parts)
            if parts[-1] == "__init__":
                parts.pop()
            found[".".join(parts)] = path
    return found


MODULES = modules()


def resolve(name: str, node: ast.ImportFrom, is_package: bool) -> str:
    """The absolute name of what `from … import` names in module `name`."""
    if not node.level:
        return node.module or ""
    base = name.split(".") if is_package else name.split(".")[:-1]
    base = base[: len(base) - (node.level - 1)]
    return ".".join([*base, *([node.module] if node.module else [])])


def imports(name: str, *, module_level: bool = False) -> set[str]:
    """Every module that `name` imports, also inside functions unless `module_level`."""
    path = MODULES[name]
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if module_level and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve(name, node, path.name == "__init__.py")
            for alias in node.names:
                # `from scoring import engine` names a module, `from x import Y` something inside one
                whole = f"{base}.{alias.name}"
                found.add(whole if whole in MODULES else base)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


def is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def room_of(module: str) -> str | None:
    room = module.split(".", maxsplit=1)[0]
    return room if room in ROOMS else None


def test_all_rooms_are_there():
    assert {room_of(name) for name in MODULES} == set(ROOMS)
    assert any(is_in(name, ENGINE) for name in MODULES)


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_one_way(room):
    above = ROOMS[: ROOMS.index(room)]
    wrong = [
        f"{name} imports {imported}"
        for name in MODULES
        if room_of(name) == room
        for imported in imports(name)
        if room_of(imported) in above and not is_in(imported, ENGINE)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_engine_knows_no_room_and_no_django():
    wrong = [
        f"{name} imports {imported}"
        for name in MODULES
        if is_in(name, ENGINE)
        for imported in imports(name)
        if is_in(imported, "django") or (room_of(imported) and not is_in(imported, ENGINE))
    ]
    assert not wrong, "\n".join(wrong)


def test_the_engine_is_importable_without_django():
    names = sorted(name for name in MODULES if is_in(name, ENGINE))
    loaded = _modules_after(
        f"import importlib\nfor name in {names!r}: importlib.import_module(name)", DJANGO_SETTINGS_MODULE=""
    )
    assert not [name for name in loaded if is_in(name, "django")]


def test_actions_queries_and_permissions_know_no_http():
    wrong = []
    for name in MODULES:
        if not {"actions", "queries", "permissions"} & set(name.split(".")):
            continue
        for imported in imports(name):
            if any(is_in(imported, module) for module in HTTP) or ".views" in imported:
                wrong.append(f"{name} imports {imported}")
    assert not wrong, "\n".join(wrong)


def test_nothing_below_the_addresses_imports_views():
    """Views are called by Django only; a room that needs what a view does needs an action or a query."""
    wrong = [
        f"{name} imports {imported}"
        for name in MODULES
        for imported in imports(name)
        if "views" in imported.split(".")
        and room_of(imported)
        and "urls" not in name
        and "views" not in name.split(".")
        and name != "config.urls"
    ]
    assert not wrong, "\n".join(wrong)


WRITES = {"save", "bulk_create", "bulk_update", "update_or_create", "get_or_create", "create"}


def test_views_write_through_actions_only():
    wrong = []
    for name, path in MODULES.items():
        if "views" not in name.split("."):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            called = ast.unparse(node.func)
            if node.func.attr in WRITES or (node.func.attr in {"update", "delete"} and ".objects" in called):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} calls {called}")
    assert not wrong, "\n".join(wrong)


def test_heavy_modules_are_imported_inside_functions_only():
    wrong = [
        f"{name} imports {imported}"
        for name in MODULES
        for imported in imports(name, module_level=True)
        if imported.split(".")[0] in HEAVY
    ]
    assert not wrong, "\n".join(wrong)


def _modules_after(code: str, **environment: str) -> set[str]:
    result = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport json, sys\nprint('\\n' + json.dumps(sorted(sys.modules)))"],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout.splitlines()[-1]))


SCRATCH = {
    "DATABASE_URL": "sqlite://:memory:",
    "SECRET_KEY": "a-key-for-tests-that-protects-nothing-at-all-0123456789",
}


CHECK = (
    "from django.core.management import call_command; import django; django.setup(); call_command('check')"
)
# a worker has resolved its addresses once it answered the first request
WORKER = "import config.wsgi; from django.urls import get_resolver; get_resolver().url_patterns"


@pytest.mark.parametrize("boot", [CHECK, WORKER], ids=["check", "worker"])
def test_starting_imports_nothing_heavy(boot):
    loaded = _modules_after(boot, DJANGO_SETTINGS_MODULE="config.settings", **SCRATCH)
    heavy = sorted({name.split(".")[0] for name in loaded} & HEAVY)
    assert heavy == []
