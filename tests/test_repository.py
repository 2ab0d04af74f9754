"""What may stand in the repository, and what may not."""

import ast
import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAX_BYTES = 5 * 1024 * 1024
LOCKS = ["requirements.txt", "requirements-dev.txt"]
OURS = {"accounts", "cities", "config", "indicators", "scoring", "tests"}
SAFE_TEMPLATES: set[str] = set()  # templates that may say |safe or {% autoescape off %}
SAFE_MODULES: set[str] = set()  # modules that may say mark_safe
# Spelt so that this file does not find itself.
PLACES_OF_ONE_MACHINE = re.compile(
    "|".join(["/" + "home/", "/" + "Users/", "/" + "root/", "[A-Z]:" + r"\\Users"])
)
OTHER_HOSTS = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs|files\.python|unpkg\.com|jsdelivr|cdnjs|googleapis|gstatic|"
    r"bootcdn|staticfile\.(?:org|net)|cdn\.plot\.ly|esm\.sh|skypack"
)


@cache
def tracked() -> list[Path]:
    """The files that git knows or would add; in an unpacked archive, all but generated ones."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    if listed.returncode == 0:
        names = [name for name in listed.stdout.decode().split("\0") if name]
        return [path for name in sorted(set(names)) if (path := ROOT / name).is_file()]
    away = {
        ".git",
        ".venv",
        "var",
        "__pycache__",
        ".hypothesis",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
    }
    return [p for p in sorted(ROOT.rglob("*")) if p.is_file() and not away & set(p.relative_to(ROOT).parts)]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def texts() -> list[tuple[str, str]]:
    found = []
    for path in tracked():
        try:
            found.append((name_of(path), path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return found


def lines_with(pattern: re.Pattern[str], *, without: set[str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in texts()
        if name not in without
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def templates() -> list[Path]:
    return [path for path in tracked() if name_of(path).startswith("templates/")]


def test_no_file_is_huge():
    assert [name_of(path) for path in tracked() if path.stat().st_size > MAX_BYTES] == []


def test_nothing_names_a_place_of_one_machine():
    here = re.compile(re.escape(str(ROOT)) + r"(?![\w-])") if len(ROOT.parts) > 2 else PLACES_OF_ONE_MACHINE
    assert lines_with(PLACES_OF_ONE_MACHINE, without=set()) == []
    assert lines_with(here, without=set()) == []


def test_nothing_comes_from_another_host():
    assert lines_with(OTHER_HOSTS, without={"tests/test_repository.py"}) == []


def test_generated_and_secret_files_stay_outside():
    names = [name_of(path) for path in tracked()]
    bad = re.compile(
        r"(^|/)(\.env|secret_key|\.DS_Store|__pycache__|node_modules)(/|$)|\.(pyc|sqlite3|log|swp|orig)$"
    )
    assert [name for name in names if bad.search(name)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_pin_everything_with_hashes_and_name_no_host(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert not re.search(
        r"https?:|file:|^-i |--(extra-)?index-url|--find-links|--trusted-host| @ ", text, re.MULTILINE
    )
    entries = [entry for entry in re.split(r"\n(?=\S)", text.strip()) if not entry.startswith("#")]
    assert len(entries) > 20
    for entry in entries:
        assert re.match(r"[a-z0-9][a-z0-9.-]*(\[[a-z,]+\])?==\S+", entry), entry.splitlines()[0]
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


def pins(lock: str) -> dict[str, str]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==(\S+)", text, re.MULTILINE))


def test_the_development_lock_has_the_same_versions():
    development = pins("requirements-dev.txt")
    assert {name: development.get(name) for name in pins("requirements.txt")} == pins("requirements.txt")


def required(file: str) -> set[str]:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    names = {re.split(r"[\[<>=~! ]", line)[0] for line in lines if re.match(r"\w", line)}
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names}


def imported_by(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.split(".")[0])
    return found - OURS - set(sys.stdlib_module_names)


def test_what_is_imported_is_required():
    """Directly, not because something else happens to bring it."""
    owners = packages_distributions()
    allowed = {
        False: required("requirements.in")
        | {"asgiref", "tablib"},  # parts of Django's and import-export's interface
        True: required("requirements.in") | required("requirements-dev.in") | {"tablib"},
    }
    wrong = []
    for path in tracked():
        if path.suffix != ".py":
            continue
        is_test = name_of(path).startswith("tests/")
        for name in imported_by(path):
            distributions = {re.sub(r"[-_.]+", "-", owner).lower() for owner in owners.get(name, [name])}
            if not distributions & allowed[is_test]:
                wrong.append(f"{name_of(path)} imports {name}")
    assert wrong == []


class Markup(HTMLParser):
    """Collects what a strict content security policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.script: int | None = None

    def handle_starttag(self, tag, attrs):
        line = self.getpos()[0]
        for name, value in attrs:
            if name == "style" or re.fullmatch(r"on[a-z]+", name) or name.startswith("hx-on"):
                self.found.append(f"{line}: {name} on <{tag}>")
            if name in ("href", "src", "action", "formaction") and (value or "").strip().lower().startswith(
                "javascript:"
            ):
                self.found.append(f"{line}: javascript: in {name}")
        if tag == "style":
            self.found.append(f"{line}: <style>")
        given = dict(attrs)
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self.found.append(f"{line}: <script> without src")


def test_templates_have_nothing_inline():
    wrong = []
    for path in templates():
        if path.suffix != ".html" or path.name == "500.html":
            continue
        # template tags would end attributes early
        text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", "x", path.read_text(encoding="utf-8"))
        markup = Markup()
        markup.feed(text)
        wrong += [f"{name_of(path)}:{found}" for found in markup.found]
    assert wrong == []


def test_only_known_places_switch_escaping_off():
    in_templates = re.compile(r"\|\s*safe(seq)?\b|autoescape\s+off")
    in_modules = re.compile(r"\bmark_safe\b|\bSafe(String|Text)\(")
    said_in_templates = {
        name_of(path) for path in templates() if in_templates.search(path.read_text(encoding="utf-8"))
    }
    said_in_modules = {
        name_of(path)
        for path in tracked()
        if path.suffix == ".py"
        and not name_of(path).startswith("tests/")
        and in_modules.search(path.read_text(encoding="utf-8"))
    }
    assert said_in_templates == SAFE_TEMPLATES
    assert said_in_modules == SAFE_MODULES


def test_every_template_compiles():
    from django.template import engines

    engine = engines["django"]
    for path in templates():
        engine.get_template(path.relative_to(ROOT / "templates").as_posix())


@pytest.mark.parametrize("name", ["run", ".ci/run", "manage.py"])
def test_the_commands_are_executable(name):
    assert (ROOT / name).stat().st_mode & 0o111


def test_run_without_arguments_lists_every_chore():
    listed = subprocess.run([str(ROOT / "run")], capture_output=True, text=True, check=True).stdout
    chores = set(re.findall(r"^  (\w+) ", listed, re.MULTILINE))
    assert chores >= {
        "setup",
        "demo",
        "serve",
        "test",
        "lint",
        "format",
        "bench",
        "lock",
        "messages",
        "manage",
    }


def test_run_refuses_an_unknown_chore_in_words():
    result = subprocess.run([str(ROOT / "run"), "tset"], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "tset" in result.stderr
