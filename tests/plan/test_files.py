"""Bodies that are files, or made of them; the paths that files are saved under."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pytest

from airflow_provider_gimme.errors import ExpressionError, WorkflowError
from airflow_provider_gimme.http.multipart import FileBody, Multipart, show_content
from airflow_provider_gimme.plan import plan_text
from airflow_provider_gimme.plan.body import content_type_header, encode_body
from airflow_provider_gimme.plan.call import CallWork
from airflow_provider_gimme.plan.saved import make_saved

SAVED = make_saved("orders/a/may.pdf", 4, "0" * 64, "application/pdf")


def open_file(reference: Mapping[str, Any]) -> FileBody:
    return FileBody(reference["path"], 4, lambda: io.BytesIO(b"%PDF"), reference["media_type"])


def parts(value: Any) -> list[tuple[str, Any, str | None]]:
    body = encode_body(value, "multipart", open_file)
    assert isinstance(body, Multipart)
    assert content_type_header(body, "multipart") == {}
    return [(part.name, shown(part.content), part.media_type) for part in body.parts]


def shown(content: bytes | FileBody) -> bytes | str:
    return content if isinstance(content, bytes) else content.name


def test_a_multipart_body_is_made_of_files_and_fields() -> None:
    """A reference is a file, a list repeats its name, structures are JSON, null is left out."""
    value = {"a": "ü", "n": 1.5, "no": None, "yes": True, "m": {"x": [1]}, "l": ["x", 2, {"y": 1}, [3]], "f": SAVED}
    assert parts(value) == [
        ("a", "ü".encode(), None),
        ("n", b"1.5", None),
        ("yes", b"true", None),
        ("m", b'{"x":[1]}', "application/json"),
        ("l", b"x", None),
        ("l", b"2", None),
        ("l", b'{"y":1}', "application/json"),
        ("l", b"[3]", "application/json"),
        ("f", "orders/a/may.pdf", None),
    ]
    assert parts({"f": [SAVED, SAVED]}) == [("f", "orders/a/may.pdf", None)] * 2


def test_a_file_can_be_given_another_name_and_type() -> None:
    """What is not said is the reference's own; a map with other keys is a field."""
    body = encode_body({"f": {"file": SAVED, "filename": "x.pdf"}, "g": {"file": "no file"}}, "multipart", open_file)
    assert isinstance(body, Multipart)
    file, field = body.parts
    assert isinstance(file.content, FileBody)
    assert (file.content.name, file.content.media_type) == ("x.pdf", "application/pdf")
    assert field.content == b'{"file":"no file"}'
    assert (
        parts({"f": {"file": {**SAVED, "type": "file"}}, "g": {"file": SAVED, "page": 1}})[1][2] == "application/json"
    )
    whole = encode_body({"file": SAVED, "content_type": "image/png"}, "binary", open_file)
    assert content_type_header(whole, "binary") == {"Content-Type": "image/png"}


@pytest.mark.parametrize(
    "content_type,header",
    [("binary", "application/pdf"), ("image/png", "image/png"), ("text", "text/plain; charset=utf-8")],
)
def test_a_lone_reference_is_the_file(content_type: str, header: str) -> None:
    """Its bytes are the body, under the type that the step says, or its own."""
    body = encode_body(SAVED, content_type, open_file)
    assert isinstance(body, FileBody)
    assert content_type_header(body, content_type) == {"Content-Type": header}


@pytest.mark.parametrize("content_type", ["json", "form"])
def test_a_reference_can_be_told_as_data(content_type: str) -> None:
    """To an API that shall know of it."""
    assert isinstance(encode_body(SAVED, content_type, open_file), bytes)


@pytest.mark.parametrize(
    "value,content_type,words",
    [
        ([1], "multipart", "a multipart body is a map of names to values, not list"),
        ("text", "multipart/form-data", "a multipart body is a map of names to values, not str"),
        ({"a": float("nan")}, "multipart", "a number that JSON does not know"),
        ({"a": 1}, "binary", "a binary body is a file that 'save_to' of a step has given, or text, not dict"),
    ],
)
def test_a_body_that_cannot_be_written_so_is_told(value: Any, content_type: str, words: str) -> None:
    """In words of the file."""
    with pytest.raises(ExpressionError, match=words):
        encode_body(value, content_type, open_file)


def test_a_file_is_shown_where_there_is_no_storage() -> None:
    """`gimme render` shows its name and size, and cannot read it."""
    body = encode_body({"f": SAVED}, "multipart")
    assert show_content(body) == "f: <may.pdf, 4 bytes>"
    file = encode_body(SAVED, "binary")
    assert isinstance(file, FileBody)
    with pytest.raises(FileNotFoundError, match="no storage here to read orders/a/may"):
        file.open()


def planned(step: str) -> CallWork:
    text = f"name: orders\napi_base: http://a\nsteps: [{{name: a, endpoint: /a, {step}}}]"
    work = plan_text(text, "w.yaml").by_id["a"].work
    assert isinstance(work, CallWork)
    return work


def test_where_a_body_is_saved() -> None:
    """The path is a template; without one nothing is saved."""
    from airflow_provider_gimme.expressions import Scope

    work = planned('save_to: "{{ inputs.day }}/a.pdf", read_timeout: 5s')
    assert work.saved_path(Scope(inputs={"day": "may/1"})) == "may/1/a.pdf"
    assert work.read_timeout is not None
    assert work.read_timeout.total_seconds() == 5
    with pytest.raises(ExpressionError, match=r"'../../x/a.pdf' is not a path under the workflow's folder"):
        work.saved_path(Scope(inputs={"day": "../../x"}))
    assert planned("method: GET").saved_path(Scope()) is None


def test_a_sensitive_output_in_the_result_is_a_warning() -> None:
    """It would not be shown there."""
    steps = "steps: [{name: a, endpoint: /a, sensitive: true}, {name: b, endpoint: /b}]"
    text = f"name: w\napi_base: http://a\n{steps}\noutputs: {{x: '{{{{ steps.%s }}}}'}}"
    (warning,) = plan_text(text % "a", "w.yaml").warnings
    assert str(warning).startswith("w.yaml:4:")
    assert "the output of step 'a' is 'sensitive', so there is '***' in its place. Leave it out." in str(warning)
    assert plan_text(text % "b", "w.yaml").warnings == ()


def test_a_path_that_is_written_out_is_checked_with_the_file() -> None:
    """Its problem stands at the key."""
    with pytest.raises(
        WorkflowError, match=r"w.yaml:3:\d+: steps\[0\] 'a'.save_to: '/etc/x' is not a path .* absolute"
    ):
        planned("save_to: /etc/x")
