// The slider over the history of theta: it fills the boxes with the probabilities of a step.
"use strict";
for (const section of document.querySelectorAll(".theta")) {
  const slider = section.querySelector("input");
  const output = section.querySelector("output");
  const boxes = [...section.querySelectorAll(".heat li")];
  const { steps, theta } = JSON.parse(section.querySelector("script").textContent);
  const percent = Uint8Array.from(atob(theta), (c) => c.charCodeAt(0));
  const show = () => {
    const at = Number(slider.value);
    const step = "step " + steps[at].toLocaleString("en");
    output.textContent = step;
    slider.setAttribute("aria-valuetext", step);
    boxes.forEach((box, i) => {
      const p = percent[at * boxes.length + i];
      box.style.setProperty("--p", p);
      box.lastElementChild.textContent = p + " %";
    });
  };
  slider.addEventListener("input", show);
  section.querySelector(".slider").hidden = false;
  show();
}
