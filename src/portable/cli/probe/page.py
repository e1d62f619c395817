"""A probe's outcome as one self-contained HTML page: no script, no external resource."""

from collections.abc import Mapping

from portable.cli.pages import environment
from portable.cli.probe.printing import SIGNS
from portable.hosts.checks import CHECKS
from portable.hosts.measurements import MEASUREMENTS
from portable.probe import Outcome


def probe_page(outcome: Outcome, differing: Mapping[str, str]) -> str:
    """Return the page. `differing` is what the host's profile says otherwise, by check."""
    answers = [found.answer for found in outcome.result.checks.values()]
    return (
        environment("portable.cli.probe")
        .get_template("probe.html.j2")
        .render(
            result=outcome.result,
            failed=outcome.failed,
            left=outcome.left,
            differing=differing,
            checks=CHECKS,
            measurements=MEASUREMENTS,
            counts={answer: answers.count(answer) for answer in SIGNS},
            signs=SIGNS,
        )
    )
