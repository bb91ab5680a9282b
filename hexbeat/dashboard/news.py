"""What an open page learns without a click: that the connection is gone, or that records were loaded meanwhile.

The page asks for the version of the store at `/news`, and only while somebody looks at it. The answer is a number: it
says that something changed but never what. Such a question keeps no session alive, as it does not go through the
WebSocket.

When the connection is back the page is drawn again before anything can be pressed. A server that has restarted, or has
let the session go while the machine slept, no longer knows the part of the page that is clicked. The click would be
lost, and the choice would jump back.
"""

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import streamlit as st
from starlette.concurrency import run_in_threadpool

from hexbeat.dashboard.state.login import open_shared_store
from hexbeat.dashboard.web.asgi import App, Message, Receive, Send, answer
from hexbeat.settings import Settings

if TYPE_CHECKING:  # the middleware of every server is here, and an installation brings all statistics
    from hexbeat.dashboard.state.session import Installation

__all__ = ["NEWS_PATH", "News", "draw_news"]

NEWS_PATH: Final = "/news"
FRESH_S: Final = 1.0  # all pages of a busy office together ask the store no more often
CSS: Final = """
[hidden] { display: none !important; }
.lost, .news { position: fixed; z-index: 10001; font: 600 .95rem/1.4 var(--st-font); }
.lost { inset: 0 0 auto; padding: .7rem 1rem; background: #8c1d14; color: #ffffff; }
.lost.back { background: #1d5b2f; }
.lost a { color: inherit; }
.news { right: 1rem; bottom: 1rem; display: flex; align-items: center; gap: .8rem; padding: .6rem;
  max-width: calc(100vw - 2rem); box-sizing: border-box; border: 2px solid var(--st-primary-color);
  border-radius: .5rem;
  background: var(--st-background-color); color: var(--st-text-color); box-shadow: 0 2px 10px rgb(0 0 0 / .25); }
button { all: unset; cursor: pointer; padding: .4rem .9rem; min-height: 1.9rem; border-radius: .4rem;
  background: var(--st-primary-color); color: var(--st-background-color); white-space: nowrap; }
button:focus-visible { outline: 3px solid var(--st-text-color); outline-offset: 2px; }
@media (forced-colors: active) { button { border: 2px solid ButtonText; } .lost { border-bottom: 4px solid; } }
@media print { .lost, .news { display: none; } }
"""
HTML: Final = """
<div class="lost" role="alert" hidden></div>
<div class="news" hidden><span role="status"></span><button type="button">Show them</button></div>
"""
JS: Final = """
const ASK_MS = 20000, ASK_SOON_MS = 3000, PATIENCE_MS = 5000, MOST_MS = 30000;
const GRACE_MS = 1500; // a moment's gap is no news
const GONE = "The connection to Hexbeat is gone. It is tried again every few seconds.";
const BACK = "The connection is back. The page is drawn again.";

const OFFLINE = ".st-key-hb_offline"; // the part of a page that works without a connection

function watch(root) {
  const app = document.querySelector("[data-testid=stApp]");
  const main = document.querySelector("[data-testid=stMainBlockContainer]");
  const lost = root.querySelector(".lost"), news = root.querySelector(".news");
  const state = { version: 0, newest: 0, send: () => {} };
  let timer = 0, grace = 0, redraw = 0, isGone = false, isSaid = false, hasRun = false, isOut = false;
  let isAnswered = true, isConnected = true;

  const say = (words, isBack = false) => {
    isSaid = Boolean(words);
    lost.hidden = !isSaid || Boolean(document.querySelector(OFFLINE)); // a page with its own words for it
    lost.classList.toggle("back", isBack);
    if (lost.textContent !== words) lost.textContent = words;
  };
  /** Nothing else on the page can be pressed, but what keeps its own taps until the connection is back. */
  const freeze = () => {
    const own = main.querySelector(OFFLINE);
    const hold = (part) => {
      if (part === own) return;
      if (own && part.contains(own)) [...part.children].forEach(hold);
      else part.inert = true;
    };
    for (let part = root.host || root; part && part !== main; part = part.parentElement) {
      for (const other of part.parentElement.children) if (other !== part) hold(other);
    }
  };
  const thaw = () => {
    clearTimeout(redraw);
    redraw = 0;
    for (const part of main.querySelectorAll("[inert]")) part.inert = false;
    say("");
  };
  const judge = () => {
    const wasGone = isGone;
    isGone = !(isConnected && isAnswered);
    if (isGone && !wasGone) grace = setTimeout(() => (say(GONE), freeze()), GRACE_MS);
    if (isGone || !wasGone) return;
    clearTimeout(grace);
    freeze();
    if (isSaid) say(BACK, true);
    hasRun = false;
    clearTimeout(redraw);
    redraw = setTimeout(thaw, MOST_MS);
    state.send("again", Date.now());
  };
  const look = () => {
    isConnected = app.dataset.testConnectionState === "CONNECTED";
    judge();
    const isAtRest = app.dataset.testScriptState === "notRunning";
    if (redraw && !isAtRest) hasRun = true;
    if (redraw && !isGone && hasRun && isAtRest) thaw();
  };
  const signedOut = () => {
    isOut = true;
    const link = Object.assign(document.createElement("a"), { href: "/", textContent: "Sign in again" });
    lost.replaceChildren("Your sign-in has ended. ", link);
    lost.hidden = false;
  };
  const ask = async () => {
    clearTimeout(timer);
    if (document.hidden) return;
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const reply = await fetch("/news", { cache: "no-store", redirect: "manual", signal });
      isAnswered = reply.status < 500 || reply.type === "opaqueredirect";
      if (reply.ok && isOut) {
        isOut = false;
        say("");
      }
      if (reply.ok) state.newest = Number(await reply.text());
      else if (isAnswered) signedOut();
    } catch {
      isAnswered = false;
    }
    judge();
    tell();
    timer = setTimeout(ask, isAnswered ? ASK_MS : ASK_SOON_MS);
  };
  const tell = () => {
    const isNew = state.newest > state.version;
    news.hidden = !isNew;
    const words = isNew ? "New records are loaded." : "";
    const said = news.querySelector("span");
    if (said.textContent !== words) said.textContent = words;
  };
  state.tell = tell;
  news.querySelector("button").onclick = () => state.send("shown", Date.now());
  const observer = new MutationObserver(look);
  observer.observe(app, { attributeFilter: ["data-test-connection-state", "data-test-script-state"] });
  document.addEventListener("visibilitychange", ask);
  window.addEventListener("online", ask);
  window.addEventListener("offline", ask);
  timer = setTimeout(ask, ASK_MS);
  state.stop = () => {
    clearTimeout(timer);
    clearTimeout(grace);
    clearTimeout(redraw);
    observer.disconnect();
    document.removeEventListener("visibilitychange", ask);
    window.removeEventListener("online", ask);
    window.removeEventListener("offline", ask);
  };
  return state;
}

export default function ({ parentElement, data, setTriggerValue }) {
  const state = (parentElement.hexbeatNews = parentElement.hexbeatNews || watch(parentElement));
  state.version = data.version;
  state.send = setTriggerValue;
  state.tell();
  return () => {
    if (parentElement.isConnected) return; // drawn again with other data
    state.stop();
    parentElement.hexbeatNews = null;
  };
}
"""
_news = st.components.v2.component("hexbeat_news", html=HTML, css=CSS, js=JS)


def draw_news(installation: "Installation") -> None:
    """Draw, out of sight until there is something to say, the words on the connection and on new records."""
    with st.container(key="hb_news"):
        _news(
            key="news",
            data={"version": installation.columns.version},
            on_again_change=lambda: None,
            on_shown_change=lambda: None,
        )


class News:
    """ASGI middleware that answers with the version of the store. It stands behind the sign-in."""

    def __init__(self, app: App, *, settings: Settings) -> None:
        self.app = app
        self.settings = settings
        self._version = 0
        self._read_at = -FRESH_S

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer at NEWS_PATH; everything else passes."""
        if scope["type"] != "http" or scope["path"] != NEWS_PATH:
            await self.app(scope, receive, send)
            return
        if time.monotonic() - self._read_at >= FRESH_S:
            self._version = await run_in_threadpool(open_shared_store(self.settings).version)
            self._read_at = time.monotonic()
        await answer(scope, send, f"{self._version}\n", status=HTTPStatus.OK)
