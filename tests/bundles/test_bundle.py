"""A folder of workflows is published as Airflow asks for it, and no file stops another."""

from __future__ import annotations

import os
import re
import shutil
import time
from datetime import timedelta
from pathlib import Path

import pytest
from airflow.dag_processing.bundles.base import BundleVersion

from airflow_provider_gimme.bundles import WorkflowBundle
from airflow_provider_gimme.bundles.bundle import GRACE
from airflow_provider_gimme.bundles.store import KEEP
from airflow_provider_gimme.errors import BundleError, FunctionsError
from tests.bundles.conftest import World, stubs


def version(bundle: WorkflowBundle) -> str:
    current = bundle.get_current_version()
    assert isinstance(current, BundleVersion)
    return current.version


def published(world: World) -> tuple[dict[str, str], str]:
    """Refresh, and return what Airflow finds, and its version."""
    bundle = world.bundle()
    bundle.refresh()
    return stubs(bundle), version(bundle)


def replace_by_file(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text("x")


def test_each_file_is_a_stub_named_by_its_dag(world: World) -> None:
    """Every workflow file, at any depth, is a Python file of its own, named by its Dag, that shows its text."""
    world.write("b.yaml", "id: orders\n")
    world.write("team/a.yml", "id: users\nx: 1\n")
    world.write("team/c.json", "id: json\n")
    found, _ = published(world)
    assert list(found) == ["json.workflow.py", "orders.workflow.py", "users.workflow.py"]
    assert found["users.workflow.py"].splitlines()[2:4] == ["id: users", "x: 1"]
    assert "file='team/a.yml'" in found["users.workflow.py"]


@pytest.mark.parametrize("path", ["_defaults.yaml", ".a.yaml", "schemas/a.yaml", "_off/a.yaml", "gimme_a.py", "a.txt"])
def test_other_files_are_no_workflows(world: World, path: str) -> None:
    """Names that begin with _ or ., the folder schemas, and site functions hold no workflows."""
    world.write(path, "id: orders\n")
    assert published(world)[0] == {}


def test_the_version_is_that_of_the_content(world: World) -> None:
    """The same files have the same version, also after other ones in between and in another place."""
    world.write("a.yaml", "id: a\n")
    _, first = published(world)
    assert published(world)[1] == first
    world.write("a.yaml", "id: a\nx: 1\n")
    assert published(world)[1] != first
    world.write("a.yaml", "id: a\n")
    assert published(world)[1] == first


@pytest.mark.parametrize(
    "path, others",
    [("_defaults.yaml", 0), ("schemas/order.yaml", 1), ("team/_defaults.yml", 0), ("team/schemas/x.json", 0)],
)
def test_what_surrounds_a_file_is_part_of_its_fingerprint(world: World, path: str, others: int) -> None:
    """Defaults and schemas of the nearest folder change a Dag, and only the Dags that have none nearer."""
    world.write("team/a.yaml", "id: a\n")
    world.write("other/b.yaml", "id: b\n")
    world.write("other/_defaults.yaml", "retry: 1\n")
    before, _ = published(world)
    world.write(path, "x: 1\n")
    after, _ = published(world)
    assert after["a.workflow.py"] != before["a.workflow.py"]
    assert (after["b.workflow.py"] != before["b.workflow.py"]) is bool(others)


def test_the_environment_is_part_of_the_stub(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The overlay comes from the bundle's `env`, else from GIMME_ENV, and changes the version."""
    world.write("a.yaml", "id: a\n")
    plain = published(world)[1]
    monkeypatch.setenv("GIMME_ENV", "test")
    assert "environment='test'" in published(world)[0]["a.workflow.py"]
    bundle = world.bundle(env="production")
    bundle.refresh()
    assert "environment='production'" in stubs(bundle)["a.workflow.py"]
    assert version(bundle) != plain


def test_the_environment_is_part_of_the_fingerprint(world: World) -> None:
    """An overlay may change what the scheduler's form of a Dag does not show: a payload, for one."""
    world.write("a.yaml", "id: a\n")
    found = set()
    for env in ("test", "production", None):
        bundle = world.bundle(env=env)
        bundle.refresh()
        found |= set(re.findall(r"fingerprint='([0-9a-f]{64})'", stubs(bundle)["a.workflow.py"]))
    assert len(found) == 3


def test_a_broken_edit_keeps_the_last_good_text_and_shows_its_problems(world: World) -> None:
    """A file with problems is an import error at that file alone; its Dag stays as it last was, marked."""
    world.write("t/a.yaml", "id: a\n")
    world.write("b.yaml", "id: b\n")
    before, _ = published(world)
    world.write("t/a.yaml", "id: a\nbad: 1\n")
    after, _ = published(world)
    assert list(after) == ["a.workflow.py", "b.workflow.py", "t/a.yaml.py"]
    assert after["b.workflow.py"] == before["b.workflow.py"]
    assert "scheduled=True" in after["a.workflow.py"]
    assert "note=\"'t/a.yaml' now has a problem" in after["a.workflow.py"]
    assert "bad: 1" not in after["a.workflow.py"]
    with pytest.raises(ValueError, match=r"^t/a.yaml:2:1: bad: unknown key 'bad' \(got '1'\)\.$"):
        exec(after["t/a.yaml.py"], {})  # noqa: S102
    world.write("t/a.yaml", "id: a\n")
    assert published(world)[0] == before


def test_a_file_that_was_never_good_is_only_an_import_error(world: World) -> None:
    """A new file with problems makes no Dag, and others are published."""
    world.write("a.yaml", "bad: 1\n")
    world.write("b.yaml", "id: b\n")
    assert list(published(world)[0]) == ["a.yaml.py", "b.workflow.py"]


def test_a_check_that_crashes_is_a_problem_of_its_file(world: World) -> None:
    """An unforeseen error in the check of a file stops neither the refresh nor the file's last good text."""
    world.write("a.yaml", "id: a\n")
    published(world)
    world.write("a.yaml", "id: a\nx: 1\n")
    world.crash = RecursionError
    found, _ = published(world)
    assert list(found) == ["a.workflow.py", "a.yaml.py"]
    assert "RecursionError: boom" in found["a.yaml.py"]


@pytest.mark.parametrize(
    "data, reason",
    [(b"id: a\n# \xff\n", "(byte 0xFF). Save it as UTF-8."), (b"#" * 5_000_001, "5,000,001 bytes")],
)
def test_a_file_that_is_no_text_keeps_its_last_good_one(world: World, data: bytes, reason: str) -> None:
    """A file in another encoding or far too large is a problem of that file."""
    world.write("a.yaml", "id: a\n")
    published(world)
    (world.folder / "a.yaml").write_bytes(data)
    found, _ = published(world)
    assert list(found) == ["a.workflow.py", "a.yaml.py"]
    assert reason in found["a.yaml.py"]


@pytest.mark.parametrize("name", [b"a\nb.yaml", b"\xff.yaml", b"x" * 240 + b".yaml"])
def test_a_file_with_an_unusual_name_is_a_problem_of_that_file(world: World, name: bytes) -> None:
    """A name that Airflow could not keep does not stop the others."""
    world.write("b.yaml", "id: b\n")
    (world.folder / os.fsdecode(name)).write_text("id: a\n")
    found, _ = published(world)
    assert len(found) == 2
    assert "b.workflow.py" in found
    assert any("Rename it." in text for text in found.values())


def test_two_files_with_one_dag_id_are_a_problem_of_the_second(world: World) -> None:
    """The first file in the order of paths has the Dag; the second is told at the line of its id."""
    world.write("a.yaml", "id: same\n")
    world.write("b.yaml", "# mine\nid: same\n")
    found, _ = published(world)
    assert list(found) == ["b.yaml.py", "same.workflow.py"]
    assert "file='a.yaml'" in found["same.workflow.py"]
    with pytest.raises(ValueError, match=r"^b.yaml:2:1: id: Dag id 'same' is already that of 'a.yaml'"):
        exec(found["b.yaml.py"], {})  # noqa: S102


def test_a_pool_gets_the_fewest_slots_any_file_writes(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """All Dags that name a pool are given the same slots, the smallest, and the log tells who wrote which."""
    world.write("a.yaml", "id: a\npool: 5\n")
    world.write("b.yaml", "id: b\npool: 3\n")
    world.write("c.yaml", "id: c\n")
    found, _ = published(world)
    assert caplog.messages == [
        (
            "Bundle 'flows': pool 'shared': the smallest number of slots counts, 3; "
            "the files write 3 ('b.yaml'), 5 ('a.yaml')"
        )
    ]
    assert "pools={'shared': 3}" in found["a.workflow.py"]
    assert "pools={'shared': 3}" in found["b.workflow.py"]
    assert "pools={}" in found["c.workflow.py"]


def test_a_removed_file_keeps_its_dag_until_its_runs_have_ended(world: World) -> None:
    """The Dag of a removed file loses its schedule at once, and goes a minute later or when its last run has ended."""
    world.write("a.yaml", "id: a\n")
    published(world)
    (world.folder / "a.yaml").unlink()
    found, _ = published(world)
    assert "scheduled=False" in found["a.workflow.py"]
    assert "('a.yaml' did)" in found["a.workflow.py"]
    world.running = frozenset({"a"})
    world.now += GRACE.total_seconds()
    assert list(published(world)[0]) == ["a.workflow.py"]
    world.running = frozenset()
    assert published(world)[0] == {}


def test_a_removed_file_keeps_its_dag_for_a_while_without_runs(world: World) -> None:
    """A run that begins while Airflow still believes in the schedule finds its Dag."""
    world.write("a.yaml", "id: a\n")
    published(world)
    (world.folder / "a.yaml").unlink()
    published(world)
    world.now += GRACE.total_seconds() - 1
    assert list(published(world)[0]) == ["a.workflow.py"]
    world.now += 1
    assert published(world)[0] == {}


def test_a_removed_file_keeps_its_dag_where_runs_cannot_be_looked_up(world: World) -> None:
    """A process without database lets a Dag go only when its version would."""
    world.write("a.yaml", "id: a\n")
    published(world)
    (world.folder / "a.yaml").unlink()
    published(world)
    world.running = None
    world.now += KEEP.total_seconds() - 1
    assert list(published(world)[0]) == ["a.workflow.py"]
    world.now += 1
    assert published(world)[0] == {}


def test_a_file_that_comes_back_has_its_schedule_back(world: World) -> None:
    """A removed file that is there again is in force as if nothing had been."""
    world.write("a.yaml", "id: a\n")
    before, _ = published(world)
    (world.folder / "a.yaml").unlink()
    published(world)
    world.write("a.yaml", "id: a\n")
    assert published(world)[0] == before


def test_a_moved_file_keeps_the_path_of_its_dag(world: World) -> None:
    """Airflow looks for a run's code under the present path in the old version: moving a file does not change it."""
    world.write("a.yaml", "id: a\n")
    published(world)
    (world.folder / "a.yaml").rename(world.folder / "z.yaml")
    found, _ = published(world)
    assert list(found) == ["a.workflow.py"]
    assert "scheduled=True" in found["a.workflow.py"]


def test_a_file_with_another_id_leaves_its_old_dag_until_its_runs_have_ended(world: World) -> None:
    """Renaming a workflow is a new Dag and a removed one; breaking it then keeps the new one in force."""
    world.write("a.yaml", "id: old\n")
    published(world)
    world.write("a.yaml", "id: new\n")
    found, _ = published(world)
    assert "scheduled=False" in found["old.workflow.py"]
    assert "scheduled=True" in found["new.workflow.py"]
    world.write("a.yaml", "bad: 1\n")
    found, _ = published(world)
    assert "scheduled=False" in found["old.workflow.py"]
    assert "scheduled=True" in found["new.workflow.py"]


@pytest.mark.parametrize("spoil", [shutil.rmtree, replace_by_file])
def test_a_folder_that_cannot_be_read_leaves_the_last_version(world: World, spoil: object) -> None:
    """Without its folder a refresh is an error that says so; what was published stays, also after a restart."""
    world.write("a.yaml", "id: a\n")
    before, first = published(world)
    assert callable(spoil)
    spoil(world.folder)
    with pytest.raises(BundleError, match=r"workflows' cannot be read: .*Check the bundle's `path`"):
        world.bundle().refresh()
    shutil.rmtree(world.bundle().base_dir)
    bundle = world.bundle()
    bundle.initialize()
    assert stubs(bundle) == before
    assert version(bundle) == first


def test_a_new_bundle_without_folder_is_an_error(world: World) -> None:
    """A bundle that never had its folder says so when it is started."""
    world.folder.rmdir()
    with pytest.raises(BundleError, match="No such file or directory"):
        world.bundle().initialize()
    assert world.bundle().get_current_version() is None


def test_a_version_is_rebuilt_exactly_and_without_a_look_at_the_folder(world: World) -> None:
    """Each version of the past is written again byte by byte, also when its folder is gone and others came since."""
    past: dict[str, dict[str, str]] = {}
    for number in range(12):
        world.write("a.yaml", f"id: a\nx: {number}\n")
        world.write("b.yaml", "id: b\n" if number % 2 else "bad: 1\n")
        found, name = published(world)
        past[name] = found
    shutil.rmtree(world.folder)
    world.checked.clear()
    for name, found in past.items():
        bundle = world.bundle(version=name)
        bundle.initialize()
        assert bundle.path == bundle.versions_dir / name
        assert stubs(bundle) == found
        assert version(bundle) == name
    assert len(past) == 12
    assert world.checked == []


def test_a_version_folder_that_lost_files_is_completed(world: World) -> None:
    """Where Airflow has begun to delete a version that is needed again, it is completed."""
    world.write("a.yaml", "id: a\n")
    world.write("b.yaml", "id: b\n")
    found, name = published(world)
    bundle = world.bundle(version=name)
    bundle.initialize()
    (bundle.path / "a.workflow.py").unlink()
    (bundle.path / "__pycache__").mkdir()
    world.bundle(version=name).initialize()
    assert stubs(bundle) == found


@pytest.mark.parametrize("name", ["0" * 64, "main", "../../etc"])
def test_a_version_that_is_not_kept_is_an_error(world: World, name: str) -> None:
    """A version that cannot be rebuilt is refused with its name and the place it was looked for."""
    world.write("a.yaml", "id: a\n")
    published(world)
    with pytest.raises(BundleError, match=f"version '{name}' of the workflows is not in '.*store'"):
        world.bundle(version=name).initialize()


def test_a_damaged_version_is_an_error(world: World) -> None:
    """A kept text that was changed is never run as if it were the old one."""
    world.write("a.yaml", "id: a\n")
    found, name = published(world)
    objects = [path for path in (world.root / "store/objects").rglob("*") if path.is_file()]
    damaged = next(path for path in objects if b"build_workflow" in path.read_bytes())
    damaged.write_bytes(found["a.workflow.py"].encode() + b"import os\n")
    with pytest.raises(BundleError, match="is damaged"):
        world.bundle(version=name).initialize()


def test_a_version_cannot_be_refreshed(world: World) -> None:
    """A bundle at a version never becomes another."""
    with pytest.raises(BundleError, match="cannot be refreshed"):
        world.bundle(version="0" * 64).refresh()


def test_versions_are_kept_for_ninety_days_after_they_were_in_force(world: World) -> None:
    """What is in force never goes, what is not goes after ninety days, and the texts in force stay readable."""
    world.now = time.time()
    world.write("a.yaml", "id: a\n")
    _, old = published(world)
    world.write("a.yaml", "id: a\nx: 1\n")
    _, new = published(world)
    world.now += (KEEP - timedelta(minutes=1)).total_seconds()
    published(world)
    world.bundle(version=old).initialize()
    world.now += timedelta(days=2).total_seconds()
    found, _ = published(world)
    shutil.rmtree(world.bundle().base_dir)
    with pytest.raises(BundleError, match=old):
        world.bundle(version=old).initialize()
    bundle = world.bundle(version=new)
    bundle.initialize()
    assert stubs(bundle) == found
    world.write("a.yaml", "bad: 1\n")
    assert list(published(world)[0]) == ["a.workflow.py", "a.yaml.py"]


def test_a_version_that_comes_back_is_kept_from_then_on(world: World) -> None:
    """Ninety days count from the last time that a version was in force, not from the first."""
    world.now = time.time()
    world.write("a.yaml", "id: a\n")
    _, name = published(world)
    world.write("a.yaml", "id: a\nx: 1\n")
    published(world)
    old = world.now - KEEP.total_seconds() - 1
    for path in (world.root / "store").rglob("*"):
        os.utime(path, (old, old))
    (world.root / "store" / "cleaned").touch()
    world.write("a.yaml", "id: a\n")
    published(world)
    world.write("a.yaml", "id: a\nx: 2\n")
    (world.root / "store" / "cleaned").unlink()
    published(world)
    world.bundle(version=name).initialize()


def test_only_changed_files_are_checked(world: World) -> None:
    """A refresh checks what has changed, also after a restart; a broken file is not checked again either."""
    world.write("a.yaml", "id: a\n")
    world.write("b.yaml", "bad: 1\n")
    published(world)
    published(world)
    assert world.checked == ["a.yaml", "b.yaml"]
    world.write("b.yaml", "id: b\n")
    published(world)
    assert world.checked == ["a.yaml", "b.yaml", "b.yaml"]


def test_everything_is_checked_again_for_another_site(world: World) -> None:
    """Where the package or the site's own code has changed, no earlier outcome counts."""
    world.write("a.yaml", "id: a\n")
    published(world)
    world.site = "other"
    published(world)
    assert world.checked == ["a.yaml", "a.yaml"]


def test_broken_functions_of_the_site_leave_what_is_published(world: World) -> None:
    """Functions that cannot be loaded are no file's fault: the refresh fails, and nothing is taken out of force."""
    world.write("a.yaml", "id: a\n")
    before, _ = published(world)
    world.site = "broken"
    world.crash = FunctionsError
    with pytest.raises(BundleError, match=r"workflows cannot be checked: boom What was published stays in force\."):
        world.bundle().refresh()
    assert stubs(world.bundle()) == before


def test_only_changed_stubs_are_written(world: World) -> None:
    """An unchanged stub keeps its time; a changed one gets a later second, at the same size too."""
    world.write("a.yaml", "id: a\nx: 1\n")
    world.write("b.yaml", "id: b\n")
    published(world)
    path = world.bundle().path
    first = {name: (path / name).stat().st_mtime for name in ("a.workflow.py", "b.workflow.py")}
    assert first["a.workflow.py"] == world.now
    world.write("a.yaml", "id: a\nx: 2\n")
    world.now += 0.1
    published(world)
    assert (path / "b.workflow.py").stat().st_mtime == first["b.workflow.py"]
    assert (path / "a.workflow.py").stat().st_mtime >= first["a.workflow.py"] + 1


def test_a_lost_stub_is_written_again(world: World) -> None:
    """What somebody changed or deleted among the stubs is put right at the next refresh."""
    world.write("a.yaml", "id: a\n")
    world.write("b.yaml", "id: b\n")
    found, _ = published(world)
    path = world.bundle().path
    (path / "a.workflow.py").unlink()
    (path / "b.workflow.py").write_text("import os\n")
    (path / "c.py").write_text("import os\n")
    assert published(world)[0] == found


def test_a_look_at_the_folder_leaves_what_is_published_alone(world: World) -> None:
    """A command sees the folder as it is now; the Dag processor's stubs change at its own refreshes only."""
    world.write("a.yaml", "id: a\n")
    before, first = published(world)
    world.write("a.yaml", "id: a\nx: 1\n")
    command = world.bundle()
    command.initialize()
    seen = version(command)
    assert "x: 1" in stubs(command)["a.workflow.py"]
    assert stubs(world.bundle()) == before
    assert version(world.bundle()) == first != seen
    command.refresh()
    assert published(world) == (stubs(command), seen)


def test_views_go_after_a_day(world: World) -> None:
    """What commands looked at does not pile up."""
    world.now = time.time()
    world.bundle().initialize()
    views = world.bundle().base_dir / "views"
    published(world)
    assert list(views.iterdir())
    world.now += timedelta(days=1, minutes=1).total_seconds()
    published(world)
    assert not list(views.iterdir())


def test_a_change_waits_while_airflow_reads_the_dag(world: World) -> None:
    """A Dag's stub changes only when its last parse was noted and the next is not due; others need not wait."""
    world.write("a.yaml", "id: a\n")
    world.write("b.yaml", "id: b\n")
    bundle = world.bundle()
    bundle.refresh()
    before, first = stubs(bundle), version(bundle)
    for name in "ab":
        world.write(f"{name}.yaml", f"id: {name}\nx: 1\n")
    world.now += 10
    world.parsed = {"a": world.now - 11, "b": world.now - 9}
    bundle.refresh()
    assert stubs(bundle)["a.workflow.py"] == before["a.workflow.py"]
    assert "x: 1" in stubs(bundle)["b.workflow.py"]
    assert bundle.refresh_interval == 1
    assert version(bundle) != first
    world.parsed["a"] = world.now
    bundle.refresh()
    assert "x: 1" in stubs(bundle)["a.workflow.py"]
    assert bundle.refresh_interval == 30


def test_airflow_starts_a_bundle_from_its_configuration(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name, path and env are all a configuration needs; texts are kept under AIRFLOW_HOME."""
    bundle = WorkflowBundle(name="flows", path=str(world.folder), env="test")
    assert bundle.refresh_interval == 30
    assert bundle.supports_versioning
    assert bundle.store.root == Path(os.environ["AIRFLOW_HOME"], "gimme", "bundles", "flows")
