// Scripts run here: what needs them is shown, and views wait for the address. Read before the body.
"use strict";

document.documentElement.classList.add("scripts");
