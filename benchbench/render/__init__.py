"""Numbers in, text out: terminal, markdown, HTML, figures, JUnit, JSON; published pages."""
