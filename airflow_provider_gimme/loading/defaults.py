"""The defaults of steps: those of a file, its groups, and those of a folder, ``_defaults``."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from airflow_provider_gimme.config.step_union import DEFAULT_STEP_TYPE, step_config
from airflow_provider_gimme.errors import Problem
from airflow_provider_gimme.loading.checks import check_written
from airflow_provider_gimme.loading.nodes import Elsewhere, Entry, Mapping, Scalar, Sequence
from airflow_provider_gimme.loading.parse import parse
from airflow_provider_gimme.loading.report import Report
from airflow_provider_gimme.loading.shape import known_keys
from airflow_provider_gimme.loading.source import read_source
from airflow_provider_gimme.loading.surroundings import NearFile
from airflow_provider_gimme.loading.validate import validate

__all__ = ["FolderDefaults", "check_layers", "load_defaults"]


@dataclass(frozen=True)
class FolderDefaults:
    """What the ``_defaults`` of a folder say."""

    node: Mapping | None = None
    """Keys of a step; each value knows that it was written in that file."""
    problems: tuple[Problem, ...] = ()
    file: str = ""
    text: str = ""
    report: Report = field(default_factory=lambda: Report(""), repr=False, compare=False)


def check_layers(root: Mapping, report: Report) -> None:
    """Check the values of ``defaults`` and groups, also where no step takes them."""
    defaults = root.get("defaults")
    layers = [layer for _, layer in root.maps("groups")] + ([defaults] if isinstance(defaults, Mapping) else [])
    known = known_keys(step_config(DEFAULT_STEP_TYPE)) - {"type", "id", "name"}
    name = Scalar(1, 1, (), "x", "x")
    for layer in layers:
        entries = {key: entry for key, entry in layer.entries.items() if key in known}
        step = layer.with_entries({**entries, "name": Entry(1, 1, (), name)})
        steps = Sequence(1, 1, ("steps",), [step])
        validate(Mapping(1, 1, (), {"steps": Entry(1, 1, (), steps)}), report)


def load_defaults(near: tuple[NearFile, ...]) -> FolderDefaults:
    """Read the file ``_defaults`` of a folder; of several the first one counts, and that is a problem."""
    if not near:
        return FolderDefaults()
    first, *others = near
    loaded = FolderDefaults(problems=first.problems, file=first.file) if first.fault else _load(first)
    if not others:
        return loaded
    message = f"'{first.file}' is the '_defaults' of this folder already. Keep one of the two."
    problems = (*loaded.problems, *(Problem(other.file, 1, 1, "", message) for other in others))
    return FolderDefaults(loaded.node, problems, loaded.file, loaded.text, loaded.report)


@lru_cache(maxsize=256)
def _load(near: NearFile) -> FolderDefaults:
    """Read one file; remembered, because all workflows of its folder ask for it."""
    report = Report(near.file)
    text = read_source(near.text, report)
    root = None if text is None else parse(text, report, start=(Elsewhere(near.file),), wanted=None)
    if root is not None and not isinstance(root, Mapping):
        report.add(root, "the defaults of a folder are a map. Write keys of a step, like 'timeout: 1m'.")
        root = None
    if root is not None:
        whole = Mapping(1, 1, (), {"defaults": Entry(1, 1, (), root)})
        check_written(whole, report)
        check_layers(whole, report)
    return FolderDefaults(root, report.problems, near.file, text or "", report)
