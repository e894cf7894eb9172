# Real Xen and Subfloor, side by side: every difference has its reason.
"""The comparison, on both engines, and the tests of the comparison itself."""

import functools
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import asking  # noqa: E402
import comparison  # noqa: E402
import differences  # noqa: E402


@pytest.fixture(scope="module")
def hypervisors():
    return asking.hypervisors(asking.prepare())


@pytest.fixture(scope="module")
def xen_says(hypervisors):
    return comparison.ask(hypervisors["xen"], "xen")


@pytest.fixture(scope="module")
def we_say(hypervisors):
    """Ask Subfloor once on an engine."""
    return functools.cache(lambda engine: comparison.ask(hypervisors[engine], engine))


def check(xen, ours, pair):
    verdict = differences.compare(xen, ours, differences.read(), pair)
    assert verdict.asked > 100
    assert verdict.unexplained == []
    assert verdict.stale == []


def test_subfloor_answers_as_xen_does_on_svm(xen_says, we_say):
    check(xen_says, we_say("svm"), "svm")


def test_subfloor_on_vmx_answers_as_xen_does_on_svm(xen_says, we_say):
    check(xen_says, we_say("vmx"), "crossed")


@pytest.mark.long
def test_subfloor_answers_as_xen_does_on_vmx(hypervisors, we_say):
    check(comparison.ask(hypervisors["xen-vmx"], "xen-vmx"), we_say("vmx"), "vmx")


def test_xen_answers_the_same_twice(hypervisors, xen_says):
    assert comparison.ask(hypervisors["xen"], "xen-again") == xen_says


def test_a_difference_without_a_reason_is_a_fault():
    verdict = differences.compare({"a.b": "0", "a.c": "1"}, {"a.b": "0", "a.c": "2"}, [], "svm")
    assert [one.question for one in verdict.unexplained] == ["a.c"]
    assert not verdict.good


def test_a_missing_answer_is_a_difference():
    verdict = differences.compare({"a.b": "0"}, {"a.c": "0"}, [], "svm")
    assert [(one.xen, one.ours) for one in verdict.unexplained] == [
        ("0", differences.NO_ANSWER), (differences.NO_ANSWER, "0"),
    ]


def test_a_reason_counts_only_for_what_it_names():
    allowed = [differences.Allowed(r"a\..", "why not", xen="1", ours="2")]
    xen, ours = {"a.b": "1", "a.c": "1"}, {"a.b": "2", "a.c": "3"}
    verdict = differences.compare(xen, ours, allowed, "svm")
    assert [one.question for one in verdict.unexplained] == ["a.c"]


def test_a_reason_without_a_difference_is_a_fault():
    allowed = [
        differences.Allowed("a", "gone"),
        differences.Allowed("b", "elsewhere", engines=("vmx",)),
    ]
    verdict = differences.compare({"a": "1"}, {"a": "1"}, allowed, "svm")
    assert [one.question for one in verdict.stale] == ["a"]
    assert not verdict.good


def test_a_question_put_twice_is_a_mistake():
    with pytest.raises(asking.Failure, match="twice"):
        asking.gather("(d1) a.b = 1\n(d1) a.b = 1\n")
