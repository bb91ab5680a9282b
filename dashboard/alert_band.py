"""The band over the map when something is out of the ordinary: what, where, how sure, and how often by chance alone."""

from collections.abc import Sequence
from typing import Final

from dashboard.words import date_words, html_text, list_words, number_words, plural
from layers.analysis.alert_form import FORM_LAYER
from layers.analysis.alert_words import Alert, AlertReport
from layers.catalogue import LAYER_NAMES, layer_named

__all__ = ["alarming", "alerts_html", "band_html", "sorted_alerts"]

DAYS_A_YEAR: Final = 365
NUMBER: Final = ' class="hb-number"'
NUMBERS: Final = ("Number", "Expected")
HEADINGS: Final = ("What", "Where", "When", *NUMBERS, "Found by")
CAUTION: Final = (
    "An alert is a question, not a finding: recording may have changed, and records may still arrive. C1, C2 and C3 "
    "compare a day with the four weeks before it, in the whole area and in each ward."
)


def sorted_alerts(report: AlertReport) -> list[Alert]:
    """Overdoses first, because people are in danger; then by how many more there were than expected."""
    return sorted(report.alerts, key=lambda one: (one.layer != FORM_LAYER, one.expected - one.count, one.first_day))


def alarming(report: AlertReport) -> bool:
    """Whether an alert of overdoses is among them."""
    return any(alert.layer == FORM_LAYER for alert in report.alerts)


def band_html(report: AlertReport) -> str:
    """The first alert in words, how many more there are, and how many chance alone would bring; nothing for none."""
    found = sorted_alerts(report)
    if not found:
        return ""
    first = found[0]
    more = f" {plural(len(found) - 1, 'more alert', 'more alerts')} below." if len(found) > 1 else ""
    chance = f"In {report.days} days chance alone brings {about(by_chance(report))}."
    expected = number_words(first.expected)
    return (
        f'<p class="hb-alert"><b>Out of the ordinary:</b> {html_text(what_words(first))}, where '
        f"{html_text(expected)} would be expected.<span>{html_text(more)} {html_text(chance)}</span></p>"
    )


def what_words(alert: Alert) -> str:
    """As in "16 overdoses in Linthorpe, 25 Oct to 28 Oct 2026"."""
    spec = layer_named(alert.layer)
    return f"{plural(alert.count, spec.one, spec.many)} in {alert.place}, {when_words(alert)}"


def when_words(alert: Alert) -> str:
    """The day, or the first and the last."""
    if alert.first_day == alert.last_day:
        return date_words(alert.first_day)
    first = date_words(alert.first_day).removesuffix(f" {alert.last_day.year}")
    return f"{first} to {date_words(alert.last_day)}"


def yearly(report: AlertReport) -> dict[str, float]:
    """False alarms a year of each layer over all places, at the setting in use."""
    rates = {row.layer: row.false_alarms_a_year for row in report.settings if row.method == "any"}
    return {layer: rates[layer] for layer in LAYER_NAMES if layer in rates}


def by_chance(report: AlertReport) -> float:
    """How many alerts noise alone would bring in the days of the report, over all layers and places."""
    return sum(yearly(report).values()) * report.days / DAYS_A_YEAR


def about(number: float) -> str:
    """As in "about 8 alerts", "less than one alert"."""
    return "less than one alert" if number < 1 else f"about {plural(round(number), 'alert', 'alerts')}"


def alerts_html(report: AlertReport) -> str:
    """All alerts as a table, the false alarms a year of each layer, and what could not be judged; texts are escaped."""
    rows = "".join(_row(alert) for alert in sorted_alerts(report))
    head = "".join(f'<th scope="col"{NUMBER if name in NUMBERS else ""}>{name}</th>' for name in HEADINGS)
    rates = [
        f"{plural(round(rate), 'time', 'times')} a year for {layer_named(layer).many}"
        for layer, rate in yearly(report).items()
    ]
    chance = f"By chance alone alerts come about {list_words(rates)}, over all places." if rates else ""
    return (
        '<div class="hb-scroll" tabindex="0" role="region" aria-label="What is out of the ordinary">'
        f'<table class="hb-plain"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        + "".join(f'<p class="hb-small">{html_text(line)}</p>' for line in paragraphs(report, chance))
    )


def paragraphs(report: AlertReport, chance: str) -> Sequence[str]:
    """How sure, and what could not be judged."""
    return [line for line in (f"{CAUTION} {chance}".strip(), " ".join(report.notes)) if line]


def _row(alert: Alert) -> str:
    place = alert.place if alert.ward_code else f"{alert.place}, the whole area"
    return (
        f"<tr><td>{html_text(layer_named(alert.layer).title)}</td><td>{html_text(place)}</td>"
        f"<td>{html_text(when_words(alert))}</td>"
        f'<td class="hb-number">{html_text(number_words(alert.count))}</td>'
        f'<td class="hb-number">{html_text(number_words(alert.expected))}</td>'
        f"<td>{html_text(list_words(alert.methods))}</td></tr>"
    )
