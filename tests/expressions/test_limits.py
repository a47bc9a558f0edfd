"""No expression can use up the memory or the time."""

from __future__ import annotations

import time

import pytest

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions import Compiler, Functions, Limits, Scope
from airflow_provider_gimme.expressions.environment import sandbox_for

FAST = Compiler(limits=Limits(seconds=0.2))
PATIENT = Compiler(limits=Limits(seconds=50))
SMALL = Compiler(limits=Limits(output_bytes=1000, items=100))
BIG = Scope(inputs={"list": list(range(20_000)), "text": "a" * 300, "deep": None})


@pytest.mark.parametrize(
    "written",
    [
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% for i in range(99999) %}{% for j in range(99999) if j < 0 %}{% endfor %}{% endfor %}",
        "{% for i in inputs.list %}{% for j in inputs.list %}{% if j < 0 %}{% endif %}{% endfor %}{% endfor %}",
        "{{ inputs.list | select('in', inputs.list) | list | length }}",
        "{{ inputs.list | reject('in', inputs.list) | list | length }}",
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
        "{% set x %}{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}{% endset %}",
        "{% for i in range(99999) %}{{ inputs.list | sum }}{% endfor %}",
    ],
)
def test_a_tight_loop_ends_in_time(written: str) -> None:
    """Rounds of loops, macros and filters by name look at the clock."""
    compiled = FAST.template(written)
    begun = time.monotonic()
    with pytest.raises(ExpressionError, match=r"the expression takes more than 0\.2 s"):
        compiled.evaluate(BIG)
    assert time.monotonic() - begun < 4


@pytest.mark.parametrize(
    "written,message",
    [
        ("{{ 'a' * 10**9 }}", "yields more than 20 MB"),
        ("{{ 10**9 * 'a' }}", "yields more than 20 MB"),
        ("{{ [0] * 10**9 }}", "the list has more than 1,000,000 items"),
        ("{{ 2 ** (10**9) }}", "the power is too large a number"),
        ("{{ 2 ** 4000 * 2 ** 4000 * 2 ** 4000 }}", "the product is too large a number"),
        ("{{ 10.0 ** 400 }}", "the expression is too large"),
        ("{{ 2 ** 4000 ** 4 }}", "the power is too large a number"),
        ("{{ range(10**9) }}", "a range has at most 100,000 numbers (got 1,000,000,000)"),
        ("{{ '%999999999d' % 1 }}", "a width in a format is a number up to 1,000"),
        ("{{ '%*d' % (999999999, 1) }}", "a width in a format is a number up to 1,000"),
        ("{{ '%.999999999f' | format(1) }}", "a width in a format is a number up to 1,000"),
        ("{{ 'a' | center(10**9) }}", "the filter 'center' takes a whole number up to 10,000"),
        ("{{ 'a' | indent(10**9) }}", "the filter 'indent' takes a whole number up to 200"),
        ("{{ 1 | round(10**9) }}", "the filter 'round' takes a whole number up to 100"),
        ("{{ [] | batch(10**9, 0) | list }}", "the filter 'batch' takes a whole number up to 100,000"),
        ("{{ [] | slice(10**9) | list }}", "the filter 'slice' takes a whole number up to 100,000"),
        ("{{ [] | tojson(10**9) }}", "the filter 'tojson' takes a whole number up to 100"),
        ("{{ '' | wordwrap(10**9) }}", "the filter 'wordwrap' takes a whole number up to 10,000"),
        ("{{ ('a' * 10**6).replace('a', 'a' * 10**6) }}", "yields more than 20 MB"),
        ("{{ ('a' * 10**6) | replace('a', 'a' * 10**6) }}", "yields more than 20 MB"),
        ("{{ ('a' * 10**6).join(range(99999)) }}", "yields more than 20 MB"),
        ("{{ range(99999) | join('a' * 10**6) }}", "yields more than 20 MB"),
        ("{{ ('\n' * 10**6) | indent(200, true, true) }}", "yields more than 20 MB"),
        ("{{ (('a' * 10**7) ~ ('a' * 10**7)) ~ 'a' }}", "yields more than 20 MB"),
        ("{{ ('a' * 10**7) + ('a' * 10**7) + 'a' }}", "yields more than 20 MB"),
        ("{{ [['a' * 10**6]] * 100 }}", "yields more than 20 MB"),
        ("{% for i in range(99999) %}{{ 'a' * 10**5 }}{% endfor %}", "yields more than 20 MB"),
        ("{% set x %}{% for i in range(99999) %}{{ 'a' * 10**5 }}{% endfor %}{% endset %}", "yields more than 20 MB"),
        ("{% for i in range(99999) %}" + "a" * 1000 + "{% endfor %}", "yields more than 20 MB"),
        ("{{ '{:>1000000000}'.format(1) }}", "text has no member 'format'"),
        ("{{ 'a'.ljust(10**9) }}", "text has no member 'ljust'"),
    ],
)
def test_size_is_bounded_before_it_is_made(written: str, message: str) -> None:
    """Compiling and evaluating both stay small and quick."""
    begun = time.process_time()
    with pytest.raises(ExpressionError) as caught:
        PATIENT.value(written).evaluate(Scope())
    assert message in str(caught.value)
    assert time.process_time() - begun < 4


@pytest.mark.parametrize(
    "written",
    [
        "{{ inputs.text * 4 }}",
        "{{ inputs.text ~ inputs.text ~ inputs.text ~ inputs.text }}",
        "{{ [inputs.text, inputs.text, inputs.text, inputs.text] }}",
        "{{ {'a': [inputs.text, inputs.text], 'b': [inputs.text, inputs.text]} }}",
        "{$.input.text}{$.input.text}{$.input.text}{{ inputs.text }}",
        "{% for i in [1, 2, 3, 4] %}{{ inputs.text }}{% endfor %}",
        "$.input.list",
    ],
)
def test_what_is_yielded_is_bounded(written: str) -> None:
    """Every way to yield more than the limit ends in the same error."""
    with pytest.raises(ExpressionError, match=r"yields more than 0\.001 MB"):
        SMALL.value(written).evaluate(BIG)


def test_a_json_template_is_bounded() -> None:
    """Literals and values of a JSON template count too."""
    loops = "{% for i in range(99999) %}{% for j in range(99999) %}{{ 1 }}{% endfor %}{% endfor %}"
    limits = Limits(output_bytes=1_000_000, seconds=50)
    compiled = Compiler(limits=limits).json_template("{% set x %}" + loops + "{% endset %}")
    with pytest.raises(ExpressionError, match=r"yields more than 1 MB"):
        compiled.evaluate(BIG)
    with pytest.raises(ExpressionError, match=r"yields more than 0\.001 MB"):
        SMALL.json_template("[" + '"{{ inputs.text }}",' * 15 + "1]").evaluate(BIG)


def test_constants_are_not_folded_when_compiled() -> None:
    """Jinja would evaluate constant parts while it compiles, where no limit holds."""
    assert sandbox_for(Functions.none()).optimized is False


def test_a_value_that_contains_itself_is_refused() -> None:
    """Data from Python code may be of any shape."""
    ring: list[object] = []
    ring.append(ring)
    with pytest.raises(ExpressionError, match="nested more than 200 deep"):
        Compiler().value("{{ inputs.a }}").evaluate(Scope(inputs={"a": ring}))


def test_what_is_no_data_is_refused() -> None:
    """An object of Python's own has no JSON."""
    with pytest.raises(ExpressionError, match="a object is not a JSON value"):
        Compiler().value("{{ inputs.a }}").evaluate(Scope(inputs={"a": object()}))


def test_a_small_template_is_quick() -> None:
    """Rendering a compiled small template takes well under a millisecond, so that thousands of items are no matter."""
    compiled = Compiler().template("/v1/{{ inputs.text }}/{{ inputs.list[0] }}")
    compiled.evaluate(BIG)
    begun = time.process_time()
    for _ in range(200):
        compiled.evaluate(BIG)
    assert (time.process_time() - begun) / 200 < 0.001
