"""Written news: what models write to titles, who can tell it from what people wrote, and how it repeats itself."""
