"""Back and forward in the browser: whether they caused this run."""

from streamlit.runtime.scriptrunner import get_script_run_ctx

__all__ = ["is_history_navigation"]


def is_history_navigation() -> bool:
    """Whether the browser's back or forward caused this run: then the address says what is asked, not the session.

    Each time that a page writes another query string, Streamlit makes an entry in the browser's history; it tells the
    server of the run that going back or forward to one causes, and makes no new entry in that run.
    """
    context = get_script_run_ctx(suppress_warning=True)
    return context is not None and context.is_history_navigation
