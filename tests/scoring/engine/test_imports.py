import subprocess
import sys
from pathlib import Path

BLOCKED = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"django", "pandas", "scipy"}:
            raise ImportError(name)

sys.meta_path.insert(0, Refuse())
import pkgutil
import importlib
import scoring.engine
for module in pkgutil.iter_modules(scoring.engine.__path__, "scoring.engine."):
    importlib.import_module(module.name)
print(scoring.engine.ENGINE_VERSION)
"""


def test_the_engine_needs_neither_django_nor_pandas_nor_scipy():
    root = Path(__file__).parents[3]
    result = subprocess.run(
        [sys.executable, "-c", BLOCKED], cwd=root, capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "1.1"
