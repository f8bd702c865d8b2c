"""The colours of figures and page: those of the light page stand in the figures, the page puts variables for them."""

INK = "#26323d"
MUTED = "#6b7782"
LINE = "#d5dade"
SERIES = ("#2f6f9f", "#c8742a", "#3f8f6b", "#9a5ba6", "#b4494d", "#8a7a2f", "#4b8f98", "#7a6a5f")

VARIABLES = {INK: "ink", MUTED: "muted", LINE: "line", **{colour: f"c{n}" for n, colour in enumerate(SERIES, 1)}}
