"""A page of the partners' dashboard by itself, without a browser: Streamlit's test driver cannot change pages."""

from streamlit.testing.v1 import AppTest

__all__ = ["one_page"]

PATIENCE_S = 240  # a safety net, not a promise


def one_page(name: str, **query: str) -> AppTest:
    """The page of dashboard.partners.NAME_page, opened by an address with these parts; it raised nothing."""

    def script(name: str) -> None:
        from importlib import import_module  # noqa: PLC0415 - Streamlit runs the source of this function

        from dashboard.session import open_installation  # noqa: PLC0415
        from layers.settings import Settings  # noqa: PLC0415

        import_module(f"dashboard.partners.{name}_page").show(open_installation(Settings.from_environment()), [])

    app = AppTest.from_function(script, default_timeout=PATIENCE_S, args=(name,))
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app
