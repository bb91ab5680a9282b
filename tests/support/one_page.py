"""A page of the partners' dashboard by itself, without a browser: Streamlit's test driver cannot change pages."""

from streamlit.testing.v1 import AppTest

__all__ = ["PATIENCE_S", "one_page"]

PATIENCE_S = 240  # a safety net, not a promise


def one_page(name: str, **query: str) -> AppTest:
    """The page of that address, opened with these query parameters; it raised nothing."""

    def script(name: str) -> None:
        from importlib import import_module  # noqa: PLC0415 - Streamlit runs the source of this function

        from hexbeat.dashboard.pages.navigation import MODULES  # noqa: PLC0415
        from hexbeat.dashboard.state.session import open_installation  # noqa: PLC0415
        from hexbeat.settings import Settings  # noqa: PLC0415

        import_module(f"hexbeat.dashboard.pages.{MODULES[name]}").show(
            open_installation(Settings.from_environment()), []
        )

    app = AppTest.from_function(script, default_timeout=PATIENCE_S, args=(name,))
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app
