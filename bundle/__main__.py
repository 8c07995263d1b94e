"""Pack the MCP bundle: `python -m bundle dist/ketch.mcpb`. The host's uv installs what pyproject.toml names."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKED = ("engine", "server", "tools", "resources", "pyproject.toml", "README.md")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")


def pack(target: Path) -> None:
    """Lay out the bundle with the project's version, and have `mcpb` validate and pack it."""
    with tempfile.TemporaryDirectory(prefix="ketch-bundle-") as folder:
        laid = Path(folder)
        for name in PACKED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, laid / name, ignore=LEFT_OUT)
            else:
                shutil.copy(source, laid / name)
        manifest = json.loads((ROOT / "bundle" / "manifest.json").read_bytes())
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        manifest["version"] = project["version"]
        (laid / "manifest.json").write_text(json.dumps(manifest, indent=2), encoding="utf-8")
        target.parent.mkdir(parents=True, exist_ok=True)
        _mcpb("validate", str(laid / "manifest.json"))
        _mcpb("pack", str(laid), str(target.absolute()))


def _mcpb(*argv: str) -> None:
    scripts = Path(sys.executable).parent
    env = os.environ | {"PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', '')}"}
    program = ROOT / ".node-mcp" / "node_modules" / ".bin" / "mcpb"
    subprocess.run([str(program), *argv], env=env, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=True)


if __name__ == "__main__":
    pack(Path(sys.argv[1]))
