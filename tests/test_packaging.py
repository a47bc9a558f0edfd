"""The project as it is installed: the wheel, its entry points, what Airflow learns of it, the files beside it."""

from __future__ import annotations

import configparser
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from airflow_provider_gimme import __version__
from airflow_provider_gimme.get_provider_info import get_provider_info
from airflow_provider_gimme.steps import step_types
from tests.conftest import Need

ROOT = Path(__file__).parents[1]
PACKAGE = "airflow_provider_gimme"
NAME = "airflow-provider-gimme"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel; return its file."""
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the wheel; return the folder."""
    target = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def _from_wheel(unpacked: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program that finds the wheel's content before the checkout, from a folder outside of it."""
    start = f"import sys; sys.path.insert(0, {str(unpacked)!r})\n{program}"
    command = [sys.executable, "-c", start, *arguments]
    return subprocess.run(command, cwd=unpacked, capture_output=True, text=True, check=False)


def test_the_wheel_holds_the_whole_package(wheel: Path) -> None:
    """Every file of the package is in it (each step type's parts among them), and nothing of the tests."""
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / PACKAGE).rglob("*") if path.is_file()}
    assert held == {name for name in files if "__pycache__" not in name}
    for step_type in step_types():
        assert f"{PACKAGE}/steps/{step_type}/operator.py" in held


def test_the_wheel_carries_its_license_and_types(wheel: Path) -> None:
    """Who installs it gets the license's text, and type checkers see the annotations."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (license_name,) = [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]
        assert b"Apache License" in archive.read(license_name)
    assert f"{PACKAGE}/py.typed" in names


def test_the_wheel_declares_its_entry_points(unpacked: Path) -> None:
    """Airflow finds the provider and the plugin, a shell the command."""
    (file,) = unpacked.glob("*.dist-info/entry_points.txt")
    declared = configparser.ConfigParser()
    declared.read(file)
    assert {section: dict(declared[section]) for section in declared.sections()} == {
        "apache_airflow_provider": {"provider_info": f"{PACKAGE}.get_provider_info:get_provider_info"},
        "airflow.plugins": {"gimme": f"{PACKAGE}.plugin:GimmePlugin"},
        "console_scripts": {"gimme": f"{PACKAGE}.cli.main:main"},
    }


def test_the_command_works_from_the_wheel(unpacked: Path, tmp_path: Path) -> None:
    """``gimme validate`` of the unpacked wheel accepts the README's example and refuses a broken one."""
    example = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)[0]
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(example, encoding="utf-8")
    bad.write_text(example.replace("endpoint", "endpont", 1), encoding="utf-8")
    program = f"import {PACKAGE}.cli.main as cli\nassert cli.__file__.startswith(sys.path[0])\nsys.exit(cli.main())"
    ran = _from_wheel(unpacked, program, "validate", str(good))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "1 file, 0 problems, 0 warnings\n")
    ran = _from_wheel(unpacked, program, "validate", str(bad))
    assert ran.returncode == 1
    assert "'endpont'" in ran.stdout + ran.stderr


@pytest.mark.parametrize("group", ["apache_airflow_provider", "airflow.plugins", "console_scripts"])
def test_what_an_entry_point_names_is_there(group: str) -> None:
    """An entry point that cannot be loaded is only logged by Airflow."""
    ours = [point for point in entry_points(group=group) if point.value.startswith(PACKAGE)]
    assert [callable(point.load()) for point in ours] == [True]


def test_the_provider_info_is_what_airflow_wants() -> None:
    """It fits Airflow's own schema, and names this distribution."""
    from airflow import __file__ as airflow_file

    schema = json.loads(Path(airflow_file).with_name("provider_info.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(get_provider_info(), schema)
    assert get_provider_info()["package-name"] == NAME


@pytest.mark.parametrize("kind", ["operators", "bundles"])
def test_the_modules_of_the_provider_info_exist(kind: str) -> None:
    """No module is told to Airflow that is not there."""
    told = [name for entry in get_provider_info()[kind] for name in entry["python-modules"]]
    assert [name for name in told if importlib.util.find_spec(name) is None] == []
    assert told


def test_airflow_lists_the_provider() -> None:
    """``airflow providers list`` reads what this reads."""
    from airflow.providers_manager import ProvidersManager

    provider = ProvidersManager().providers[NAME]
    assert provider.version == __version__
    assert "gimme" in dict(ProvidersManager().provider_configs)[NAME]


def test_airflow_knows_the_settings() -> None:
    """``airflow config list`` shows section ``gimme``, each option with its default and a description."""
    from airflow.configuration import conf

    options = get_provider_info()["config"]["gimme"]["options"]
    assert set(conf.as_dict(display_sensitive=True)["gimme"]) >= set(options)
    assert {name: conf.get("gimme", name) for name in options} == {
        name: option["default"] for name, option in options.items()
    }
    assert all(option["description"].strip() for option in options.values())


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_requirement_is_pinned() -> None:
    """``constraints.txt`` is plain ``name==version`` lines, and pins at least what the project asks for by name."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*==[0-9][0-9A-Za-z.]*", line)] == []
    pinned = [_normal(line.partition("==")[0]) for line in lines]
    extras = _project()["optional-dependencies"]
    asked = [*_project()["dependencies"], *extras["dev"], *extras["postgres"]]
    names = {_normal(re.split(r"[^A-Za-z0-9._-]", requirement)[0]) for requirement in asked}
    assert names - set(pinned) == {_project()["name"]}
    assert len(pinned) == len(set(pinned))


SECRETS = (
    "POSTGRES_PASSWORD",
    "AIRFLOW_FERNET_KEY",
    "AIRFLOW_JWT_SECRET",
    "AIRFLOW_API_SECRET",
    "GIMME_ADMIN_PASSWORD",
)


def _compose(*arguments: str, secrets: tuple[str, ...] = SECRETS) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in SECRETS}
    environment |= dict.fromkeys(secrets, "made-up")
    command = ["docker-compose", "-f", str(ROOT / "docker-compose.yaml"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_compose_accepts_the_file(need: Need) -> None:
    """Airflow's components, the database and the stand-in are the services."""
    need("docker-compose", shutil.which("docker-compose"))
    ran = _compose("config", "--services")
    assert (ran.returncode, ran.stderr) == (0, "")
    expected = {"postgres", "init", "api-server", "scheduler", "dag-processor", "triggerer", "standin"}
    assert set(ran.stdout.split()) == expected


@pytest.mark.parametrize("missing", SECRETS)
def test_no_secret_has_a_default(need: Need, missing: str) -> None:
    """Without one of the secrets nothing starts, and its name is told."""
    need("docker-compose", shutil.which("docker-compose"))
    ran = _compose("config", secrets=tuple(name for name in SECRETS if name != missing))
    assert ran.returncode != 0
    assert f"set {missing}" in ran.stderr


def test_the_image_is_of_the_pinned_airflow() -> None:
    """The Dockerfile starts from the Airflow that the tests ran on."""
    (version,) = re.findall(
        r"^ARG AIRFLOW_VERSION=(.+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert f"apache-airflow=={version}\n" in (ROOT / "constraints.txt").read_text(encoding="utf-8")


def _make(folder: Path, *arguments: str, path: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": path}
    command = [shutil.which("make") or "make", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def _tools(folder: Path, *names: str) -> str:
    """Make a search path with these programs alone."""
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    return str(folder)


def test_make_lists_its_commands(tmp_path: Path) -> None:
    """``make`` without a target shows every target with what it does, and does nothing."""
    ran = _make(ROOT, path=_tools(tmp_path / "bin", "awk", "sh"))
    declared = re.findall(r"^\.PHONY: (\S+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    listed = re.findall(r"^  make (\S+) +\S", ran.stdout, re.MULTILINE)
    assert listed == declared


def test_without_a_python_make_says_what_to_do(tmp_path: Path) -> None:
    """A machine without Python 3.11 gets a sentence, not a stack trace."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / PACKAGE).mkdir()
    shutil.copy(ROOT / PACKAGE / "__init__.py", tmp_path / PACKAGE)
    old = tmp_path / "old"
    path = _tools(old, "sh")
    (old / "python3").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (old / "python3").chmod(0o755)
    ran = _make(tmp_path, "install", path=path)
    assert ran.returncode != 0
    assert "No Python 3.11 or newer was found" in ran.stderr
    assert not (tmp_path / ".venv").exists()
