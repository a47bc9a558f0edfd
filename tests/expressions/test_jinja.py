"""What ``{{ }}`` yields, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_gimme.errors import ExpressionError
from airflow_provider_gimme.expressions import Compiler, Scope
from tests.expressions.places import COMPILER, HOSTILE, SCOPE, text, value

VALUES: list[tuple[str, Any]] = [
    ("{{ inputs.n }}", 4),
    ("\n  {{ inputs.n }}\n", 4),
    ("n={{ inputs.n }}", "n=4"),
    ("{{ inputs.n }}{{ inputs.n }}", "44"),
    ("{{ inputs.text }}", HOSTILE),
    ("{{ inputs['x-y'] }}", 9),
    ("{{ inputs.none }}", None),
    ("{{ inputs.list[-1] }}", 2),
    ("{{ inputs.list[1:] }}", [1, 2]),
    ("{{ inputs.obj['b'][0] }}", 2),
    ("{{ inputs.zz | default('d') }}", "d"),
    ("{{ inputs.zz.deeper.still | default('d') }}", "d"),
    ("{{ inputs.zz is defined }}", False),
    ("{{ topic }} {{ variables.topic }}", "algebra algebra"),
    ("{{ inputs }}", SCOPE.inputs),
    ("{{ run.window.end }}", "2026-01-31T02:00:00+08:00"),
    ("{{ execution.id }}/{{ run.scheduled }}/{{ run.attempt }}", "run-1/true/1"),
    ("{{ provider_id }}", "provider"),
    ("{{ item.id }}{{ index }}", "i10"),
    ("{{ outputs['my-key'] }}", 2),
    ("{{ steps.fetch.items }}", "the item"),
    ("{{ steps.fetch.values }}", [1, 2]),
    ("{{ steps['fetch'].deep.er[0].id }}", 5),
    ("{{ steps['my-step'].v }}", 1),
    ("{{ steps['my-' ~ 'step'].v }}", 1),
    ("{{ steps.fetch['values'][:1] }}", [1]),
    ("{{ steps.skipped }}", None),
    ("{{ steps.skipped.x.y | default('none') }}", "none"),
    ("{{ steps.fetch.status }}", "success"),
    ("{{ steps.skipped.status }}", "skipped"),
    ("{{ steps.algebra.status }}", "its own"),
    ("{{ status('algebra') }}", "success"),
    ("{{ steps.tolerated.error.status }}", 503),
    ("{{ error('tolerated').status }}", 503),
    ("{{ failed('tolerated')[0].index }}", 1),
    ("{{ error('fetch') }}", None),
    ("{{ steps.group }}", [SCOPE.steps["fetch"].output, {"v": 1}]),
    ("{{ steps.group | length }}", 2),
    ("{{ steps.group[1].v }}", 1),
    ("{{ steps.group[-1].v }}", 1),
    ("{{ steps.group.fetch.items }}", "the item"),
    ("{{ steps.group['my-step'].v }}", 1),
    ("{{ steps.group.skipped }}", None),
    ("{{ steps.group.skipped.status }}", "skipped"),
    ("{{ steps.group.status }}", "success"),
    ("{% set g = steps.group %}{{ g.fetch.items }}", "the item"),
    ("{{ [steps.group.fetch.deep.er[0].id] }}", [5]),
    ("{% for o in steps.group %}{{ loop.index }}{{ loop.last }};{% endfor %}", "1false;2true;"),
    ("{{ collect_question_ids([steps.fetch, steps.algebra]) }}", ["q1", "q2", "a1"]),
    ("{{ 'a' | shout }}", "a!"),
    ("{{ inputs.text.upper()[:2] }}", "HE"),
    ("{{ 'a,b'.split(',') }}", ["a", "b"]),
    ("{{ '-'.join([1, true]) }}", "1-true"),
    ("{{ 'aa'.replace('a', 'b', 1) }}", "ba"),
    ("{{ true }} {{ none }} {{ 1.5 }} {{ [1, 'a'] }}", 'true null 1.5 [1, "a"]'),
    ("{{ 'a' ~ 1 ~ true ~ none }}", "a1truenull"),
    ("{{ 7 // 2 }}{{ 7 % 2 }}{{ 2 ** 3 }}{{ -1 }}{{ 1 / 2 }}", "318-10.5"),
    ("{{ '%03d' % 7 }}", "007"),
    ("{{ [1] + [2] }}", [1, 2]),
    ("{{ 'ab' * 2 }}", "abab"),
    ("{{ [0] * 3 }}", [0, 0, 0]),
    ("{{ dict(a=1) }}", {"a": 1}),
    ("{{ range(3) | list }}", [0, 1, 2]),
    ("{{ range(3) }}", [0, 1, 2]),
    ("{{ inputs.n if inputs.yes else inputs.zz }}", 4),
    ("{% if inputs.n > 3 %}big{% else %}small{% endif %}", "big"),
    ("{% for i in inputs.list if i > 1 %}{{ i }},{% endfor %}", "3,2,"),
    ("{% for topic in inputs.list %}{{ topic }}{% endfor %}", "312"),
    ("{% for item in inputs.list %}{{ item }}{% endfor %}", "312"),
    ("{% set a = 1 %}{{ a }}", "1"),
    ("{% set a %}x{{ inputs.n }}{% endset %}{{ a }}", "x4"),
    ("{% macro m(a, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}", "12"),
    ("{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}x{% endcall %}", "[x]"),
    ("{% filter upper %}a{{ topic }}{% endfilter %}", "AALGEBRA"),
    ("{% with a = 1 %}{{ a }}{% endwith %}", "1"),
    ("{# a comment #}x", "x"),
    ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
    ("{{ '2026-01-31' | parse_date }}", "2026-01-31"),
    ("{{ ('2026-01-31T01:02:03' | parse_date).hour }}", 1),
    ("{{ [1, 2] == [1, 2] and 1 in [1] and 'a' not in 'b' }}", True),
    ("{{ {'a': 1, 2: 3} }}", {"a": 1, "2": 3}),
    ("plain } text $ { here", "plain } text $ { here"),
    ("ends with a newline {{ inputs.n }}\n", "ends with a newline 4\n"),
]


@pytest.mark.parametrize("template,expected", VALUES)
def test_a_template_yields_its_value(template: str, expected: object) -> None:
    """A lone expression keeps its type; everything else is text."""
    got = value(template)
    assert got == expected
    assert type(got) is type(expected)


def test_what_is_rendered_is_not_evaluated_again() -> None:
    """Templates, secrets and paths within data stay text, in every form."""
    assert text("<{{ inputs.text }}>") == f"<{HOSTILE}>"
    assert text("<{$.input.text}>") == f"<{HOSTILE}>"
    assert text("{% set a %}{{ inputs.text }}{% endset %}{{ a }}") == HOSTILE
    assert value("$.input.text") == HOSTILE


INVALID: list[tuple[str, str, int | None]] = [
    ("{{ foo }}", "unknown name 'foo'. An input is written inputs.foo, a text 'foo'.", 1),
    ("a\n{{ toppic }}", "unknown name 'toppic'. Did you mean 'topic'?", 2),
    ("{{ dag_run.conf.n }}", "unknown name 'dag_run'. Write inputs or run.", 1),
    ("{{ ds }}", "unknown name 'ds'. Write run.time.", 1),
    ("{{ env.TOKEN }}", "unknown name 'env'. Write ${NAME}, outside of {{ }}.", 1),
    ("{{ input.n }}", "unknown name 'input'. Did you mean 'inputs'?", 1),
    ("{{ foo is defined }}", "unknown name 'foo'.", 1),
    ("{{ self }}", "unknown name 'self'.", 1),
    ("{{ page }}", "unknown name 'page'.", 1),
    ("{{ loop }}", "unknown name 'loop'.", 1),
    ("{{ status }}", "'status' is a function: write status('step')", 1),
    ("{{ collect_question_ids }}", "'collect_question_ids' is a function: write collect_question_ids(…)", 1),
    ("{{ collect_question_id(1) }}", "unknown function 'collect_question_id'. Did you mean 'collect_question_ids'?", 1),
    ("{{ lipsum() }}", "unknown function 'lipsum'. There are: broken, collect_question_ids, dict, error", 1),
    ("{{ namespace() }}", "unknown function 'namespace'.", 1),
    ("{{ 'a' | uper }}", "unknown filter 'uper'. Did you mean 'upper'?", 1),
    ("{{ ['a'] | map('uper') }}", "unknown filter 'uper'. Did you mean 'upper'?", 1),
    ("{{ 1 is od }}", "unknown test 'od'. Did you mean 'odd'?", 1),
    ("{{ 'a' | random }}", "unknown filter 'random'.", 1),
    ("{{ steps.my-step }}", "a name with '-' is written in brackets: steps['my-step']", 1),
    ("{{ steps.my-step.v }}", "steps['my-step']", 1),
    ("{{ steps.my-own-step.v }}", "steps['my-own-step']", 1),
    ("{{ outputs.my-key }}", "outputs['my-key']", 1),
    ("{{ inputs.x-y }}", "inputs['x-y']", 1),
    ("{{ inputs.n", "the template cannot be read: '{{' is not closed. Write '}}' after the expression", 1),
    ("{% set a = 1", "'{%' is not closed. Write '%}' after it", 1),
    ("a\n{% if %}", "something is missing before '%}'. Complete the tag", 2),
    ("{% nope %}", "there is no tag 'nope' in expressions. Remove it", 1),
    ("{% endif %}", "'{% endif %}' closes nothing. Remove it", 1),
    ("{% for a in [1] %}a", "'{% for … %}' is not closed. Write '{% endfor %}' after it", 1),
    ("{% if true %}{% endfor %}", "'{% endfor %}' stands where '{% if … %}' is not closed. Write '{% endif %}'", 1),
    ("{{ }}", "the template cannot be read: the expression is empty. Write one", 1),
    ("{{ 1 + }}", "the expression lacks its end. Complete it", 1),
    ("{{ inputs.n | }}", "the expression lacks its end. Complete it", 1),
    ("{{ inputs.n = 3 }}", "'=' does not compare. Write '=='", 1),
    ("{{ inputs.n 3 }}", "a value stands where the expression has ended. Write an operator", 1),
    ("{{ inputs.n topic }}", "'topic' is not understood where it stands. Write an operator", 1),
    ("{{ inputs. }}", "a name is missing after a '.'. Write it", 1),
    ("{{ inputs.n && true }}", "'&' is not understood. Write 'and'", 1),
    ("{{ !inputs.n }}", "'!' is not understood. Write 'not'", 1),
    ("{{ 'a }}", "a quote is not closed. Close it", 1),
    ("{{ @ }}", "'@' is not understood. Remove it, or put it in quotes", 1),
    ("{# a", "'{#' is not closed. Write '#}' after the comment", 1),
    ("{% raw %}a", "'{% raw %}' is not closed. Write '{% endraw %}' after it", 1),
    ("{{ inputs['n' }}", "']' is missing before '}'. Write it", 1),
    ("{{ inputs.n }", "'}' stands alone. An expression ends with '}}'", 1),
    ("{{ inputs.n) }}", "')' closes nothing. Remove it", 1),
    ("{{ dict(a=1, 2) }}", "the arguments of a call are not understood. Write those with names (x=1) last", 1),
    ("{% for 1 in [1] %}{% endfor %}", "the template cannot be read: ", 1),
    ("{{ $.input.n }}", "a path within {{ }} is not understood: write {$.path} outside of {{ }}", 1),
    ("{% include 'x' %}", "there is no tag 'include'", 1),
    ("{% extends 'x' %}", "there is no tag 'extends'", 1),
    ("{% import 'x' as y %}", "there is no tag 'import'", 1),
    ("{% from 'x' import y %}", "there is no tag 'from'", 1),
    ("{% block a %}{% endblock %}", "there is no tag 'block'", 1),
    ("{% autoescape true %}{% endautoescape %}", "there is no tag 'autoescape'", 1),
    ("{% set steps = 1 %}", "'steps' is a name of the language. Use another one.", 1),
    ("{% for run in inputs.list %}{% endfor %}", "'run' is a name of the language.", 1),
    ("{{ dict(a=1, a=2) }}", "the argument 'a' is written twice", 1),
    ("{{ 'a' | replace(old='a', old='b') }}", "the argument 'old' is written twice", 1),
    ("{% macro m(a, a) %}{% endmacro %}", "the argument 'a' is written twice", 1),
    ("{{ status('a', 'b') }}", "status takes the name of one step: status('step')", 1),
    ("{{ inputs | jsonpath('$.[') }}", "'$.[' is not a JSONPath (RFC 9535)", 1),
    ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "the expression is nested too deeply", None),
]


@pytest.mark.parametrize("template,message,line", INVALID)
def test_a_wrong_template_is_refused_when_it_is_compiled(template: str, message: str, line: int | None) -> None:
    """The error says what is wrong, what is near, and on which line of the text."""
    with pytest.raises(ExpressionError) as caught:
        COMPILER.value(template)
    assert message in str(caught.value)
    assert caught.value.line == line


FAILING: list[tuple[str, str]] = [
    ("{{ inputs.zz }}", "there is no input 'zz'. Write `| default(…)` where it may be absent."),
    ("{{ inputs.lst }}", "there is no input 'lst'. Did you mean 'list'?"),
    ("{{ variables.topics }}", "there is no variable 'topics'. Did you mean 'topic'?"),
    ("{{ outputs.question }}", "there is no output 'question'. Did you mean 'questions'?"),
    ("{{ inputs.obj.c }}", "there is no member 'c'. There are: a, b."),
    ("{{ inputs.obj.items() }}", "there is no member 'items'. Write `| items` for its names and values."),
    ("{{ inputs.obj.pop('a') }}", "there is no member 'pop'."),
    ("{{ inputs.list.append(1) }}", "a list has no member 'append'."),
    ("{{ inputs.list[9] }}", "a list has no item 9."),
    ("{{ inputs.n.real }}", "a number has no member 'real'."),
    ("{{ inputs.none.x }}", "null has no member 'x'."),
    ("{{ inputs.obj[[1]] }}", "a list cannot be the name of a member"),
    ("{{ 'a'.format(1) }}", "text has no member 'format'. Write `| format(…)`"),
    ("{{ ''.__class__.__mro__ }}", "text has no member '__class__'."),
    ("{{ ''['__class__'] }}", "text has no member '__class__'."),
    ("{{ '' | attr('__class__') }}", "text has no member '__class__'."),
    ("{{ [''] | map(attribute='__class__') | list }}", "text has no member '__class__'."),
    ("{{ dict.mro() }}", ""),
    ("{{ collect_question_ids.__globals__ }}", ""),
    ("{{ range(3).step }}", "a range has no member 'step'"),
    ("{% for i in [1] %}{{ loop._iterable }}{% endfor %}", "has no member '_iterable'"),
    ("{% macro m() %}{% endmacro %}{{ m._func }}", "has no member '_func'"),
    ("{{ steps.fetch.zz }}", "step 'fetch': there is no member 'zz'."),
    ("{{ steps.skipped.x }}", "step 'skipped' has no output (skipped, failed, or an empty answer), so no 'x': write"),
    ("{{ steps.fetchh }}", "there is no step 'fetchh' here. Did you mean 'fetch'?"),
    ("{{ steps[inputs.n] }}", "there is no step 4 here."),
    ("{{ status('fetchh') }}", "there is no step 'fetchh' here. Did you mean 'fetch'?"),
    ("{{ steps.group.fetchh }}", "the group has no member 'fetchh'. Did you mean 'fetch'?"),
    ("{{ steps.group[7] }}", "the group has no item 7."),
    ("{{ broken(1) }}", "function 'broken' failed: KeyError: 1"),
    ("{{ collect_question_ids(inputs.zz) }}", "there is no input 'zz'."),
    ("{{ inputs.zz + 1 }}", "there is no input 'zz'."),
    ("{{ inputs.n + 'a' }}", "a number + text has no meaning. Write `~` between texts."),
    ("{{ inputs.n / 0 }}", "division by zero"),
    ("{{ inputs.n() }}", "TypeError: 'int' object is not callable"),
    ("{{ inputs.n | sum }}", "the filter 'sum' needs a list (got a number)"),
    ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "the expression calls itself too often"),
    ("{{ response }}", "'response' does not exist here"),
    ("{{ 1e308 * 10 }}", "inf is not a JSON value"),
]


@pytest.mark.parametrize("template,message", FAILING)
def test_an_error_of_evaluation_says_what_is_there(template: str, message: str) -> None:
    """Nothing that is not data can be reached, and what is not there is named with what is near."""
    with pytest.raises(ExpressionError) as caught:
        value(template)
    assert message in str(caught.value)


def test_an_error_of_evaluation_has_the_line_of_the_template() -> None:
    """The line is counted within the text."""
    with pytest.raises(ExpressionError) as caught:
        text("first\nsecond {{ inputs.n }}\n{{ inputs.zz }}")
    assert caught.value.line == 3


def test_only_names_of_the_place_are_taken_from_it() -> None:
    """A name that the place does not have is the variable's, whatever else is handed on."""
    assert text("{{ name }}", SCOPE.with_extra(name="handed on")) == "variable"
    assert text("{{ item }}", SCOPE.with_extra(item="local")) == "local"


def test_a_variable_shadowed_in_a_loop_is_itself_again_behind_it() -> None:
    """A loop's name ends with the loop."""
    assert text("{% for topic in [1] %}{{ topic }}{% endfor %}{{ topic }}") == "1algebra"


def test_an_expression_stands_with_or_without_braces() -> None:
    """Both forms of a lone expression, and a path, keep the type."""
    for written in ("inputs.list", "{{ inputs.list }}", "$.input.list"):
        assert COMPILER.expression(written).evaluate(SCOPE) == [3, 1, 2]


@pytest.mark.parametrize("written", ["{{ inputs.n }} {{ inputs.n }}", "{% if true %}1{% endif %}", "inputs.n }} {{ 1"])
def test_an_expression_is_one_expression(written: str) -> None:
    """Text around or more than one expression is refused."""
    with pytest.raises(ExpressionError, match="here stands one expression"):
        COMPILER.expression(written)


def test_a_text_is_compiled_once() -> None:
    """The same text at the same kind of place is the same compiled object."""
    assert COMPILER.template("{{ inputs.n }}") is COMPILER.template("{{ inputs.n }}")
    assert COMPILER.template("{{ inputs.n }}").source == "{{ inputs.n }}"


def test_results_are_data_of_their_own() -> None:
    """Changing a result does not change the step's output."""
    got = value("{{ steps.fetch.values }}")
    got.append(3)
    assert value("{{ steps.fetch.values }}") == [1, 2]


def test_a_compiler_needs_no_arguments() -> None:
    """Without functions and variables there are the language's own names."""
    assert Compiler().value("{{ inputs.a }}").evaluate(Scope(inputs={"a": 1})) == 1
