// The drawn map nearer and farther: by buttons, by keys once it has the focus, and by dragging once it is near.
const HexbeatZoom = (svg, { changed, walk, letGo }) => {
  const STEP = 1.6;
  const NEAREST = 120; // units: about 600 metres in a town
  const MOVE = 0.2; // of what is seen
  const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const DRAG_PX = 6;
  const whole = svg.dataset.full.split(" ").map(Number);
  let home = whole;

  const box = () => {
    const { x, y, width, height } = svg.viewBox.baseVal;
    return [x, y, width, height];
  };

  function look(wanted) {
    const beyond = wanted[2] >= whole[2] && wanted[3] >= whole[3];
    const size = beyond ? whole.slice(2) : wanted.slice(2);
    const centre = [0, 1].map((k) => {
      const middle = wanted[k] + wanted[k + 2] / 2;
      return Math.min(Math.max(middle, whole[k]), whole[k] + whole[k + 2]);
    });
    const found = [centre[0] - size[0] / 2, centre[1] - size[1] / 2, ...size];
    svg.setAttribute("viewBox", found.map((number) => Math.round(number * 10) / 10).join(" "));
    svg.classList.toggle("hp-near", !beyond);
    changed();
  }

  function zoom(factor) {
    const [x, y, wide, high] = box();
    if (factor < 1 && Math.max(wide, high) * factor < NEAREST) return;
    look([x + (wide * (1 - factor)) / 2, y + (high * (1 - factor)) / 2, wide * factor, high * factor]);
  }

  function move(right, down) {
    const [x, y, wide, high] = box();
    look([x + right * wide, y + down * high, wide, high]);
  }

  function onKey(event) {
    const arrow = ARROWS[event.key];
    if (event.key === "+" || event.key === "=") zoom(1 / STEP);
    else if (event.key === "-") zoom(STEP);
    else if (event.key === "Escape") letGo();
    else if (arrow && event.altKey) walk(arrow);
    else if (arrow && !event.ctrlKey && !event.metaKey) move(arrow[0] * MOVE, arrow[1] * MOVE);
    else return;
    event.preventDefault();
  }

  /** A drag moves what is near; the tap at its end chooses nothing. */
  function listenToDrags() {
    let from = null;
    let dragged = false;
    svg.addEventListener("pointerdown", (event) => {
      from = svg.classList.contains("hp-near") && event.isPrimary ? [event.clientX, event.clientY] : null;
      dragged = false;
    });
    svg.addEventListener("pointermove", (event) => {
      if (!from) return;
      const [dx, dy] = [event.clientX - from[0], event.clientY - from[1]];
      if (!dragged && Math.hypot(dx, dy) < DRAG_PX) return;
      dragged = true;
      from = [event.clientX, event.clientY];
      const [x, y, wide, high] = box();
      const unit = 1 / svg.getScreenCTM().a;
      look([x - dx * unit, y - dy * unit, wide, high]);
    });
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) svg.addEventListener(end, () => { from = null; });
    svg.addEventListener("click", (event) => dragged && event.stopPropagation(), { capture: true });
  }

  function addButtons() {
    const bar = document.createElement("div");
    bar.className = "hp-zoom";
    const choices = [["+", "Nearer", () => zoom(1 / STEP)], ["\u2212", "Farther", () => zoom(STEP)], ["\u2922", "Show it all again", () => look(home)]];
    for (const [sign, name, act] of choices) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = sign;
      button.title = name;
      button.setAttribute("aria-label", name);
      button.addEventListener("click", act);
      bar.append(button);
    }
    svg.parentElement.append(bar);
  }

  svg.setAttribute("tabindex", "0");
  svg.setAttribute("role", "application");
  svg.addEventListener("keydown", onKey);
  listenToDrags();
  addButtons();
  return {
    /** Look at a box, "x y width height", to which the third button comes back. */
    open(text) {
      home = text.split(" ").map(Number);
      look(home);
    },
    /** Move so far that a point is seen. */
    show([x, y]) {
      const [left, top, wide, high] = box();
      const seen = Math.abs(x - left - wide / 2) < wide * 0.45 && Math.abs(y - top - high / 2) < high * 0.45;
      if (!seen) look([x - wide / 2, y - high / 2, wide, high]);
    },
  };
};
