// Boxes that scroll sideways can be reached by keyboard; the others are no stop on the way.
const boxes = ".bd-content :is(.wide, pre, .math, .output.text_html)";
const reach = () => {
  for (const box of document.querySelectorAll(boxes)) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
};
addEventListener("load", reach);
addEventListener("resize", reach);
document.addEventListener("toggle", reach, true);
