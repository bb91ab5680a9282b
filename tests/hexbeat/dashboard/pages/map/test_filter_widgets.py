"""The filters as widgets, without a browser."""

from datetime import date

from streamlit.testing.v1 import AppTest


def script() -> None:
    """Draw the two days of a period, and the period that is read back."""
    from datetime import date  # noqa: PLC0415 - Streamlit runs the source of this function

    import streamlit as st  # noqa: PLC0415

    from hexbeat.dashboard.pages.map.filter_widgets import _draw_dates  # noqa: PLC0415

    period = date(2026, 11, 3), date(2026, 12, 1)
    st.session_state.setdefault("filter_dates", (date(2026, 11, 3), date(2026, 11, 30)))
    st.text(str(_draw_dates("dates", "First and last day", period, date(2026, 11, 30))))


def test_half_a_period_says_what_is_missing_and_what_is_shown_instead() -> None:
    app = AppTest.from_function(script).run()
    assert app.text[0].value == str((date(2026, 11, 3), date(2026, 12, 1)))
    assert not app.get("html")
    app.date_input[0].set_value((date(2026, 11, 20),)).run()
    assert app.get("html")[0].proto.body == (
        '<p class="hb-small" role="status"><b>Choose a last day, too.</b> Until then 3 Nov to 30 Nov 2026 is shown.</p>'
    )
    assert app.text[0].value == str((date(2026, 11, 3), date(2026, 12, 1)))
