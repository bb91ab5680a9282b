/* Light or dark: Streamlit's own background where the map sits in Streamlit, else what the person's system prefers; on
 * paper always light.
 */
(function () {
  "use strict";

  const Hexbeat = (window.Hexbeat = window.Hexbeat || {});
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const listeners = new Set();
  let dark = null;
  Hexbeat.printing = false; // then everything is painted at once

  /** Streamlit sets --background-color on the document; a probe turns any CSS colour into red, green and blue.
   *  The probe is out of the reach of forced colours, which would be read in its place.
   */
  function streamlitIsDark() {
    const colour = getComputedStyle(document.documentElement).getPropertyValue("--background-color").trim();
    if (!colour) return null;
    const probe = document.createElement("i");
    probe.style.forcedColorAdjust = "none";
    probe.style.color = colour;
    document.body.append(probe);
    const [red, green, blue] = getComputedStyle(probe).color.match(/[\d.]+/g).map(Number);
    probe.remove();
    return red * 0.299 + green * 0.587 + blue * 0.114 < 128;
  }

  function refresh() {
    const now = !Hexbeat.printing && (streamlitIsDark() ?? prefersDark.matches);
    if (now === dark) return;
    dark = now;
    document.documentElement.classList.toggle("hexbeat-dark", dark);
    listeners.forEach((listener) => listener(dark));
  }

  Hexbeat.isDark = () => {
    if (dark === null) refresh();
    return dark;
  };
  Hexbeat.onTheme = (listener) => listeners.add(listener);

  prefersDark.addEventListener("change", refresh);
  for (const [event, value] of [["beforeprint", true], ["afterprint", false]]) {
    window.addEventListener(event, () => {
      Hexbeat.printing = value;
      refresh();
    });
  }
  // Streamlit's own listener writes the variables; ours reads them in the next task.
  if (window.Streamlit) Streamlit.events.addEventListener("streamlit:render", () => setTimeout(refresh, 0));

  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
    L.Map.mergeOptions({ zoomAnimation: false, fadeAnimation: false, markerZoomAnimation: false, inertia: false });
  }
})();
