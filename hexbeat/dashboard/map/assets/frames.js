/* The periods of a layer, one after the other: a slider, a button that plays them, and the name of the period.
 * All values are there already, so that a step costs one painting and no request. Who asks for less motion has the
 * slider and no button. The slider is the browser's own: arrow keys, Home and End move it.
 */
(function () {
  "use strict";

  const Hexbeat = window.Hexbeat;
  const STEP_MS = 900;
  const PLAY = "\u25b6", PAUSE = "\u2759\u2759";

  function build(onSlide, onPlay) {
    const box = Hexbeat.element("div", "hexbeat-frames");
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", "Time");
    const button = Hexbeat.element("button", "", PLAY);
    button.type = "button";
    button.addEventListener("click", onPlay);
    button.hidden = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const slider = Hexbeat.element("input");
    Object.assign(slider, { type: "range", min: "0", step: "1" });
    slider.setAttribute("aria-label", "Period");
    slider.addEventListener("input", onSlide);
    const label = Hexbeat.element("output");
    box.append(label, button, slider);
    return { box, button, slider, label };
  }

  /** The control of a layer with frames; `update` shows the layer's own frame, after new data too. */
  Hexbeat.addFrames = (map, layer) => {
    let timer = 0;
    const parts = build(
      () => {
        clearInterval(timer);
        timer = 0;
        go(Number(parts.slider.value));
      },
      () => (timer ? stop() : play()),
    );
    const unknown = Hexbeat.element("div", "hexbeat-no-frame", "Not known");
    map.getContainer().append(unknown);
    const last = () => layer.data.frames.labels.length - 1;

    function update() {
      const { labels, known } = layer.data.frames;
      parts.slider.max = String(last());
      parts.slider.value = String(layer.frame);
      parts.slider.setAttribute("aria-valuetext", labels[layer.frame]);
      parts.label.textContent = labels[layer.frame];
      parts.button.textContent = timer ? PAUSE : PLAY;
      parts.button.setAttribute("aria-label", timer ? "Pause" : "Play");
      unknown.hidden = known[layer.frame];
    }

    function go(frame) {
      layer.showFrame(frame);
      update();
    }

    function stop() {
      clearInterval(timer);
      timer = 0;
      update();
    }

    function play() {
      timer = setInterval(() => (layer.frame >= last() ? stop() : go(layer.frame + 1)), STEP_MS);
      go(layer.frame >= last() ? 0 : layer.frame);
    }

    const control = Hexbeat.addControl(map, "topright", parts.box);
    const arrange = () => control.setPosition(Hexbeat.isNarrow(map) ? "bottomleft" : "topright"); // clear of the places
    arrange();
    map.on("resize", arrange);
    return {
      update,
      remove() {
        clearInterval(timer);
        map.off("resize", arrange);
        unknown.remove();
        control.remove();
      },
    };
  };
})();
