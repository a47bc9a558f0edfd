"""From files to Dags: a thousand workflows of nine steps, beside dag-factory and Dags written by hand in Python.

All make equal Dags: nine ``HttpOperator`` tasks in a chain, with a schedule. Each way has a process of its own, which
has loaded Airflow and its own modules before the clock starts. dag-factory has a virtual environment of its own, made
once under ``.bench``, which looks up Airflow in the one that runs this.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.rows import Row

__all__ = ["measure"]

DAG_FACTORY = Path(__file__).with_name("rivals.txt").read_text(encoding="utf-8").split()[-1]
"""The rival that makes Dags of YAML, as pip wants it."""
FASTER = 4.0
"""How many times as fast as dag-factory."""
SLOWER = 2.0
"""How many times the time of Dags written by hand."""

_STEPS = 9
_ROOT = Path(__file__).parents[1]
_HOME = _ROOT / ".bench" / "dag-factory"


def measure(files: int = 1000, rounds: int = 2, rivals: tuple[str, ...] = ("dag_factory", "python")) -> list[Row]:
    """Return the rows of this figure: microseconds of the processor for each file, the best of the ``rounds``."""
    if "dag_factory" in rivals:
        _install()
    taken: dict[str, float] = {}
    with TemporaryDirectory() as folder:
        for _ in range(rounds):
            for way in ("ours", *rivals):
                taken_now = _run(way, files, folder)
                taken[way] = min(taken.get(way, taken_now), taken_now)
    targets = {"dag_factory": 1 / FASTER, "python": SLOWER}
    names = {"dag_factory": DAG_FACTORY.replace("==", " "), "python": "Dags written by hand"}
    return [
        Row(
            f"a file of {_STEPS} steps, of {files:,}: from its text to its Dag, beside {names[rival]}",
            "µs",
            taken["ours"],
            taken[rival],
            target=targets[rival] * taken[rival],
        )
        for rival in rivals
    ]


def _install() -> None:
    """Make the environment of dag-factory, where it is not there yet."""
    python = _HOME / "bin" / "python"
    if not python.exists():
        venv.create(_HOME, with_pip=True, clear=True)
        library = sysconfig.get_path("purelib", vars={"base": str(_HOME), "platbase": str(_HOME)})
        Path(library, "airflow_of_ours.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", DAG_FACTORY]
    subprocess.run(command, check=True)


def _run(way: str, files: int, folder: str) -> float:
    python = str(_HOME / "bin" / "python") if way == "dag_factory" else sys.executable
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment |= {"AIRFLOW_HOME": f"{folder}/home", "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR"}
    command = [python, "-m", "benchmarks.loading", way, str(files), f"{folder}/{way}"]
    ran = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise RuntimeError(f"{way} failed: {ran.stderr[-2000:]}")
    return float(ran.stdout.splitlines()[-1])


def _build_ours(path: Path) -> object:
    from airflow_provider_gimme.build import build_workflow

    return build_workflow(path.read_bytes(), file=path.name)


def _build_dag_factory(path: Path) -> object:
    from dagfactory import load_yaml_dags  # type: ignore[import-not-found]  # in its own environment

    found: dict[str, object] = {}
    load_yaml_dags(globals_dict=found, config_filepath=str(path))
    return next(value for name, value in found.items() if name == path.stem)


def _build_python(path: Path) -> object:
    found: dict[str, object] = {"__name__": path.stem}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), found)  # noqa: S102 - our own text, as Airflow does
    return found["dag"]


def _ours(name: str) -> str:
    steps = "".join(f"  - {{name: step_{n}, endpoint: /things/{n}, description: call {n}}}\n" for n in range(_STEPS))
    return f'name: {name}\nschedule: "0 3 * * *"\nconnection: api\nsteps:\n{steps}'


def _dag_factory(name: str) -> str:
    tasks = "".join(
        f"    step_{n}:\n"
        "      operator: airflow.providers.http.operators.http.HttpOperator\n"
        f"      http_conn_id: api\n      method: GET\n      endpoint: /things/{n}\n      doc_md: call {n}\n"
        + (f"      dependencies: [step_{n - 1}]\n" if n else "")
        for n in range(_STEPS)
    )
    return f'{name}:\n  schedule: "0 3 * * *"\n  start_date: 2026-01-01\n  catchup: false\n  tasks:\n{tasks}'


def _python(name: str) -> str:
    tasks = "".join(
        f'    step_{n} = HttpOperator(\n        task_id="step_{n}", http_conn_id="api", method="GET", '
        f'endpoint="/things/{n}", doc_md="call {n}"\n    )\n' + (f"    step_{n - 1} >> step_{n}\n" if n else "")
        for n in range(_STEPS)
    )
    return (
        "from datetime import datetime\n\nfrom airflow.providers.http.operators.http import HttpOperator\n"
        "from airflow.sdk import DAG\n\n"
        f'with DAG("{name}", schedule="0 3 * * *", start_date=datetime(2026, 1, 1), catchup=False) as dag:\n{tasks}'
    )


_WAYS = {
    "ours": (_ours, _build_ours, "yaml"),
    "dag_factory": (_dag_factory, _build_dag_factory, "yaml"),
    "python": (_python, _build_python, "py"),
}


def _time(way: str, files: int, folder: Path) -> float:
    from time import process_time

    write, build, ending = _WAYS[way]
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"bench_{number}.{ending}" for number in range(files + 1)]
    for path in paths:
        path.write_text(write(path.stem), encoding="utf-8")
    build(paths.pop())
    began = process_time()
    for path in paths:
        build(path)
    return (process_time() - began) / files * 1e6


if __name__ == "__main__":
    print(_time(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
