"""Dumps of a wiki made for tests."""

from xml.sax.saxutils import escape

HEAD = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="de">
  <siteinfo>
    <sitename>Wikipedia</sitename>
    <base>https://de.wikipedia.org/wiki/Wikipedia:Hauptseite</base>
    <case>first-letter</case>
    <namespaces>
      <namespace key="-2" case="first-letter">Medium</namespace>
      <namespace key="0" case="first-letter" />
      <namespace key="1" case="first-letter">Diskussion</namespace>
      <namespace key="6" case="first-letter">Datei</namespace>
      <namespace key="14" case="first-letter">Kategorie</namespace>
    </namespaces>
  </siteinfo>
"""
TAIL = "</mediawiki>\n"


def revision(text: str | None, time: str = "2019-08-20T01:02:03Z", model: str = "wikitext") -> str:
    body = '<text deleted="deleted" />' if text is None else f'<text xml:space="preserve">{escape(text)}</text>'
    return (
        f"    <revision>\n      <id>900</id>\n      <timestamp>{time}</timestamp>\n"
        f"      <contributor><username>A</username><id>7</id></contributor>\n      <model>{model}</model>\n"
        f"      {body}\n    </revision>\n"
    )


def page(
    number: int,
    text: str | None = None,
    title: str | None = None,
    namespace: int | None = 0,
    redirect: bool = False,
    revisions: list[str] | None = None,
) -> str:
    """A page; of the revisions if they are given, else of one with that text."""
    made = revisions if revisions is not None else [revision(f"Text {number}." if text is None else text)]
    return (
        f"  <page>\n    <title>{escape(title or f'Page {number}')}</title>\n"
        + (f"    <ns>{namespace}</ns>\n" if namespace is not None else "")
        + f"    <id>{number}</id>\n"
        + ('    <redirect title="Other" />\n' if redirect else "")
        + "".join(made)
        + "  </page>\n"
    )


def dump(*pages: str, head: str = HEAD, tail: str = TAIL) -> bytes:
    return (head + "".join(pages) + tail).encode()
