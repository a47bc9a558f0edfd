"""``gimme render`` of a step that reads pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_gimme.cli.main import main


@pytest.mark.parametrize(
    "step, line",
    [
        ("endpoint: '/o/{{ page }}', paginate: {kind: page, start: 0, size: 5}", "/o/0?page=0&limit=5\n"),
        ("endpoint: /o, paginate: {kind: offset}", "/o?offset=0\n"),
        ("endpoint: '/o?p={{ page }}', paginate: {kind: link_header}", "/o?p=1\n"),
        ("endpoint: /o, payload: {}, paginate: {kind: page, in: body}", '"page": 1'),
    ],
)
def test_render_shows_the_request_for_the_first_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], step: str, line: str
) -> None:
    """The request is that for the first page, with all that `paginate` puts into it."""
    (tmp_path / "w.yaml").write_text(f"name: w\napi_base: https://api.example\nsteps: [{{name: a, {step}}}]\n")
    assert main(["render", str(tmp_path / "w.yaml"), "a"]) == 0
    assert line in capsys.readouterr().out
