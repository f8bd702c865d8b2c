"""Wikitext to text: what a reader sees of each kind of markup, and no text that makes it raise, hang or leave signs."""

import re
import time

import mwparserfromhell
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.sources.wiki.wikitext import Forms, plain

SEEN = {
    # links
    "[[Train]]s on [[rail transport|rails]]": "Trains on rails",
    "a [[:Category:Trains]] and [[:fr:Train|train]] b": "a Category:Trains and train b",
    "&#42; no list, &#61;&#61; no heading &#61;&#61; [[mw:Help|help]]": "* no list, == no heading == help",
    "a [[fr:Train]] [[Category:Trains|*]]b": "a b",
    "[[File:A.jpg|thumb|A [[train]] in {{convert|5|km}} <ref>x</ref>]]The [[image:b.png]]text": "The text",
    "[[wikt:train|train]], [[Star Trek: Picard]], [[CSI: Miami]]": "train, Star Trek: Picard, CSI: Miami",
    "[[Rome (city)|]] and [[Rome#History]]": "Rome and Rome#History",
    "[http://a.org/x?y=[] [http://a.org label] [http://a.org] http://b.org [//c.org c]": (
        "[http://a.org/x?y=[] label http://b.org c"
    ),
    "an array[1] and [sic]": "an array[1] and [sic]",
    # style
    "'''Bold''', ''italic'', '''''both''''', d''''x'''' and it's": "Bold, italic, both, d'x' and it's",
    "a<br>b<br />c <small>d</small> <span style='x'>e</span> <foo@bar.org> 1 < 2 <3": (
        "a\nb\nc d e <foo@bar.org> 1 < 2 <3"
    ),
    "10<sup>6</sup>, H<sub>2</sub>O, 19<sup>th</sup>, x<sub>''i''</sub>": "10⁶, H₂O, 19th, xi",
    "&lt;b&gt; &amp;lt; &nbsp;&mdash; &#8211; &copy2024 AT&T;": "<b> &lt;  — – &copy2024 AT&T;",
    # out
    "A<!-- no -->B<ref name=x>no</ref> C<ref name=\"x\" /> D.<ref>{{cite|[[a]]}}</ref> E": "AB C D. E",
    "before <!-- never ended": "before",
    "text<references>\n<ref name=a>no</ref>\n</references><gallery>\nFile:A.jpg|no\n</gallery>": "text",
    "__NOTOC__\na __FORCETOC__ b__INDEX__": "a b",
    "{{Infobox|name={{lang|fr|no}}|x=[[a|b]]\n|y=1}}\nText {{citation needed|date=May}} here{{fact}}.": "Text here.",
    "{{{1|default}}} and {{{no}}}": "default and",
    "a ({{IPA-no-such}}; {{x}}) b ({{x}}, born 1950; {{x}}) c [{{x}}] d, {{x}}, e": "a b (born 1950) c d, e",
    "a () b (;) c  d , e": "a () b (;) c  d , e",  # as written: nothing was removed there
    # kept templates
    "{{convert|5|km|mi}}, {{convert|2|-|4|ft|m}}, {{convert|5|ft|6|in|cm|0}}": "5 km, 2–4 ft, 5 ft 6 in",
    "{{convert|2381741|km2|sqmi|0|abbr=on}}, {{cvt|3|by|4.5|m}}": "2,381,741 km², 3 by 4.5 m",
    "{{convert|100|F|C}}, {{convert|1|to|3|sqmi}}, {{convert|7}}": "100 °F, 1 to 3 sq mi, 7",
    "{{formatnum:1234567}} and {{FORMATNUM:{{nowrap|12}}|R}}": "1234567 and 12",
    "{{lang|fr|déjà vu}}, {{lang-de|Zug}}, {{transl|ar|ALA|Allāh}}, {{langx|la|via}}": "déjà vu, Zug, Allāh, via",
    "{{nowrap|[[a|b]] {{nobr|c}}}} {{IPAc-en|ˈ|t|r|eɪ|n|_|x}} {{IPA-de|tsuːk}}": "b c /ˈtreɪn x/ [tsuːk]",
    "at {{coord|13|19|N|169|9|W|type:event}}, {{coord|43.65|-79.38|display=inline}}{{coord|1|N|2|E|display=title}}": (
        "at 13°19′N 169°9′W, 43.65°, -79.38°"
    ),
    "He said: {{quote|text=Go ''on''.|author=X}} Then.": "He said:\n\nGo on.\n\nThen.",
    "{{val|5.2|0.1|e=-6|u=m/s2}} {{frac|3|1|2}}": "5.2±0.1×10⁻⁶ m/s² 3 1⁄2",
    "{{chem|H|2|O}} {{chem2|C6H12O6}}": "H₂O C₆H₁₂O₆",
    "1990{{ndash}}2000{{snd}}{{circa|1900}}, {{zh|s=中|t=中|p=zhōng}}": "1990–2000 – c. 1900, 中; zhōng",
    "{{nihongo|English|日本|eigo}} {{as of|2015|3}}, {{lang|fr|2=x}}": "English (日本, eigo) As of March 2015, x",
    "{{hlist|a|b}} {{Nowrap | 1 = spaced }} {{template:nowrap|x}} {{no_wrap|y}}": "a, b spaced x y",
    # blocks
    "Intro\n== History ==\nText\n=== Empty ===\n{{x}}\n== See also ==\n{{y}}\n<!-- c -->\n==Refs==\n<references/>": (
        "Intro\n\nHistory\n\nText"
    ),
    "== A ==\n=== B ===\ntext\n== a = b ==\nmore": "A\n\nB\n\ntext\n\na = b\n\nmore",
    "* one\n** two\n# first\n# second\n## inner\n# third\n; term\n: said": (
        "- one\n  - two\n1. first\n2. second\n  1. inner\n3. third\nterm\nsaid"
    ),
    "* {{cite book}}\n* {{cite book}}.\n* [[Category:X]]\n* kept": "- kept",
    "a\n\n\n\n{{x}}\n\n\nb\n----\nc": "a\n\nb\n\nc",
    "a\n{| class=x\n|-\n! H !! I\n|-\n| 1 || {{x|y}} {|\n|nested\n|}\n|}\nb\n:{|\n|x\n|}\nc": "a\n\nb\n\nc",
    # as it is
    "<nowiki>[[a]] '''b''' {{c}} &lt;</nowiki> d<nowiki/>e": "[[a]] '''b''' {{c}} < de",
    "x\n<syntaxhighlight lang=py>\ndef f(x):\n    if x:\n        return {{x}}[[0]]\n</syntaxhighlight>\ny": (
        "x\n\ndef f(x):\n    if x:\n        return {{x}}[[0]]\n\ny"
    ),
    "<pre>\n  a\n\n\n    b\n</pre>": "  a\n\n\n    b",
    "<poem>\nRoses\n   are ''red''\n</poem>": "Roses\n   are red",
    "where <math>x^{2} < [[y]]</math> is\n<math display=\"block\">\\frac{1}{2}</math>": (
        "where $x^{2} < [[y]]$ is\n\n$$\\frac{1}{2}$$"
    ),
    # torn
    "{{Infobox\n| name = x\n| y = 2\n\nText [[a]] here": "Infobox\n\nText a here",
    "a]] b}} c |} d [[e\n\nf]] g [[h [[i]]": "a b c |} d e\n\nf g h i",
    "a\n{| class=x\n! b\n| c\n| d [[e]]\nText": "a\nText",
    "{{nowrap|a [[b}} c]]": "a b c",
    "<ref>a <b>c": "a c",
}  # fmt: skip


@pytest.mark.parametrize("wikitext", SEEN)
def test_a_reader_sees(wikitext):
    assert plain(wikitext) == SEEN[wikitext]


def test_tables_and_formulas_by_choice():
    table = (
        "a\n{| class=wikitable\n|+ Caption\n|-\n! scope=col | Name !! Size<br>in km\n"
        "|- style=x\n| [[A|B]] || align=right | 5\n| {{nowrap|x|y}}!!\n|-\n|\n| colspan=2 | c\nd\n|-\n|{{x}}\n|}\nb"
    )
    assert plain(table, Forms(tables=True)) == "a\n\nCaption\nName | Size in km\nB | 5 | x!!\nc d\n\nb"
    assert plain(table) == "a\n\nb"
    nested = "{|\n|a\n{|\n|b||c\n|}\n|d\n|}"
    assert plain(nested, Forms(tables=True)) == "a b | c | d"
    assert plain("<table><tr><td>x</td></tr></table>y") == "y"
    assert plain("<table><tr><td>x<td>z</td></tr></table>y", Forms(tables=True)).split() == ["x", "z", "y"]
    assert plain("f <math>x</math> (<math>y</math>) g <chem>H2</chem>", Forms(math=False)) == "f g H2"


def test_names_of_namespaces_of_other_languages():
    forms = Forms(media=frozenset({"datei"}), categories=frozenset({"kategorie"}))
    assert plain("[[Datei:A.jpg|mini|nein [[x]]]]a[[kategorie:B]] [[File:x|y]]", forms) == "a y"


MARKS = (
    "{{ }} [[ ]] {| |} {{{ }}} | || ! !! |- |+ <ref> </ref> <ref/> <b> </b> <!-- --> <nowiki> </nowiki> <pre> "
    "</pre> <math> </math> <br> <table> </table> <sup> </sup> ' '' ''' == = * # : ; ---- [ ] ( ) , . "
    "[http://a.org &amp; &lt; & < > _ __TOC__ {{convert| {{lang|fr| {{nowrap| {{frac| {{val| {{formatnum: "
    "{{as of| {{coord| File: Category: fr: 5 12 km - a word é 中 \ufdd0 \ufdd2 \ud800"
)
PIECES = st.lists(st.sampled_from([*MARKS.split(" "), "\n", "\n\n", " ", "  ", "\t", "1" * 5000]), max_size=40).map(
    "".join
)
FORMS = st.builds(Forms, tables=st.booleans(), math=st.booleans())


@settings(max_examples=600, deadline=None)
@given(PIECES | st.text(), FORMS)
def test_any_text(wikitext, forms):
    """A text comes out, the same each time, without signs of our own, no longer than in proportion."""
    text = plain(wikitext, forms)
    assert text == plain(wikitext, forms)
    assert not re.search("[\ufdd0-\ufdef]", text)
    assert len(text) <= 10 * len(wikitext) + 100


OPENINGS = [
    "{{", "[[", "{|\n", "{{{", "<ref>", "<ref name=", "<b>", "<!--", "<nowiki>", "<pre>", "<table>", "[http://a ",
    "''", "'''''", "=a\n", "== a ==\n", "{{a|", "[[a|", "[[File:a|", "{{nowrap|", "{{a|[[b|<b>", "{{a|b=[[c|{{",
    "<span>[http://a <br/>", "{|\n|a\n", "<ref>{{cite|[http://a ", "=={{a|\n", "{{{{{a|", "[[a\n\n", "(", "({{x}}",
    ", {{x}}", "{{x}};", " ", "_", "&", "&amp", "#", "|", "!!", ":{|", "[[a]", "{{convert|5|-|", "<math>", "<sup>",
    "<b a=\"", "{{lang|a b c ", "\n",
]  # fmt: skip


@pytest.mark.parametrize("tables", [False, True])
def test_nothing_hangs(tables):
    """8,000 times what begins and does not end, alone and with as many ends: mwparserfromhell does not come back from
    3,000 of several of these. The limit is a hundred times what it takes."""
    begun = time.process_time()
    ends = {"{{": "}}", "[[": "]]", "{|": "|}\n", "<": "</b>"}
    for opening in OPENINGS:
        plain(opening * 8_000, Forms(tables=tables))
        for beginning, end in ends.items():
            if opening.startswith(beginning):
                plain(opening * 4_000 + "x" + end * 4_000, Forms(tables=tables))
    assert time.process_time() - begun < 300


WORD = st.sampled_from(["alpha", "beta", "gamma", "delta", "12", "é", "中文", "it's"])
TEXT = st.deferred(lambda: st.lists(INLINE, min_size=1, max_size=4).map(" ".join))
INLINE = st.one_of(
    WORD,
    WORD,
    st.tuples(WORD, WORD).map(lambda pair: f"[[{pair[0]}|{pair[1]}]]"),
    WORD.map(lambda word: f"[[{word}]]"),
    st.deferred(lambda: TEXT).map(lambda text: f"''{text}''" if "'" not in text else text),
    WORD.map(lambda word: f"[http://example.org/x {word}]"),
    WORD.map(lambda word: f"<small>{word}</small> &amp; <!-- {word} -->"),
    st.deferred(lambda: TEXT).map(lambda text: f"{{{{unknown|{text}|x={text}}}}}"),
)
BLOCKS = st.lists(
    st.one_of(
        TEXT,
        st.tuples(WORD, TEXT).map(lambda pair: f"== {pair[0]} ==\n{pair[1]} end"),
        TEXT.map(lambda t: f"* {t}"),
    ),
    max_size=5,
)


@settings(max_examples=300, deadline=None)
@given(BLOCKS.map("\n\n".join))
def test_agrees_with_mwparserfromhell_where_nothing_is_torn(wikitext):
    """The same words in the same order."""
    theirs = mwparserfromhell.parse(wikitext).strip_code()
    words = [re.findall(r"[\w'&]+", text) for text in (plain(wikitext), theirs)]
    assert words[0] == words[1]


LOCAL = {
    "de": {
        "{{Zitat|Der Text.|Autor}}": "Der Text.", '{{"|Wort}}': "„Wort“", "{{enS|house}}": "englisch house",
        "{{Bruch|1|2}} und {{Höhe|1234|DE-NHN}}, {{§|1|BGB}}": "1⁄2 und 1234 m, § 1",
    },
    "fr": {
        "{{unité|5|km}}, {{unité|10|m|2}}, {{unité|100|km|/h}}": "5 km, 10 m², 100 km/h",
        "au {{s|XIX}}, {{s-|I}}, {{-s|V}}": "au XIXe siècle, Ier, Ve siècle av. J.-C.",
        "aux {{s2|XV|XVI}}": "aux XVe et XVIe siècles",
        "{{date|12|mars|2010|en football}}; {{Nombre|1234|habitants}}": "12 mars 2010; 1234 habitants",
        "{{citation|mot}} {{langue|en|word}} {{heure|12|30}} 1{{er}}": "« mot » word 12 h 30 1er",
    },
    "es": {
        "el {{siglo|XIX||s}} y {{siglo|V|a|s}}": "el siglo XIX y siglo V a. C.",
        "{{fecha|12|3|2010}}, {{unidad|5|km}}, {{convertir|5|km|mi}}": "12 de marzo de 2010, 5 km, 5 km",
        "{{cita|El texto.}}": "El texto.",
    },
    "it": {
        "{{M|100|k|m}}, {{M|20|ul=km2}}, {{converti|5|km|mi}}": "100 km, 20 km², 5 km",
        "{{Citazione necessaria|il testo}} {{tutto attaccato|5 km}}": "il testo 5 km",
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("language", "wikitext", "text"), [(code, *case) for code, cases in LOCAL.items() for case in cases.items()]
)
def test_templates_by_their_names_on_other_wikis(language, wikitext, text):
    assert plain(f"Vor {wikitext} nach", Forms(language=language)).split() == f"Vor {text} nach".split()


def test_a_name_means_what_it_means_on_its_wiki():
    assert plain("a {{citation|title=b}} {{s|c}}.") == "a c."
    assert plain("a {{citation|b}} {{s|II}}.", Forms(language="fr")) == "a « b » IIe siècle."
