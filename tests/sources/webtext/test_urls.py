"""URLs in one spelling: idempotent, whatever is given; and which spellings join."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks.sources.webtext.urls import LONGEST, hash_of, host_of, is_in, key_of, normalised

SAME = {
    "https://example.com/a?b=1": "https://example.com/a?b=1",
    "HTTP://User:pw@EXAMPLE.com:80/a/../b/./c/%7euser/%e4%f6?x=1#frag": "http://example.com/b/c/~user/%E4%F6?x=1",
    "https://example.com:443": "https://example.com/",
    "https://example.com:8443/": "https://example.com:8443/",
    "http://müller.de/ä?q=ü": "http://xn--mller-kva.de/%C3%A4?q=%C3%BC",
    "http://xn--mller-kva.de/%c3%a4?q=%C3%BC": "http://xn--mller-kva.de/%C3%A4?q=%C3%BC",
    "http://example.com./a": "http://example.com/a",
    "http://example.com\\a": "http://example.com/a",
    " http://example.com/a b|c\n": "http://example.com/a%20b%7Cc",
    "http://example.com/?": "http://example.com/",
    "http://example.com/a?utm_source=x&b=2&UTM_Medium=y&&fbclid=z&a=1": "http://example.com/a?b=2&a=1",
    "http://example.com/a?gclid=1": "http://example.com/a",
    "http://example.com/a?page=2#top": "http://example.com/a?page=2",
    "http://example.com/%zz/%%341": "http://example.com/%25zz/%2541",
    "http://example.com/a%2Fb%3Fc": "http://example.com/a%2Fb%3Fc",
    "http://example.com/?a[]=1&b={}": "http://example.com/?a%5B%5D=1&b=%7B%7D",
    "http://[::1]:8080/a": "http://[::1]:8080/a",
    "http://[0:0::1]/": "http://[::1]/",
    "http:///example.com/a": "http://example.com/a",
}
NONE = ["", "/r/all", "ftp://x.org/", "mailto:a@b", "javascript:void(0)", "http://",
        "http://x..org/", "http://./", "http://x../", "http://.x.org/",
        "http://[::1", "http://x.org:99999/", "http://a b/", "http://%00/", "http://\ud800.org/",
        "http://x.org/" + "a" * LONGEST, "http://x.org/" + "ä" * (LONGEST // 5)]  # fmt: skip


@pytest.mark.parametrize("url", SAME)
def test_one_spelling(url):
    assert normalised(url) == SAME[url]


@pytest.mark.parametrize("url", NONE)
def test_what_is_no_url_of_the_web(url):
    assert normalised(url) is None


PIECES = st.sampled_from([
    "http:", "HTTPS://", "//", "/", "\\", "?", "#", "&", "=", "%", "%2", "%2e", "%2E%2e", "%41", "%e4", "%25", "%2525",
    ".", "..", "www.", "x.org", "MÜLLER.de", "日本", ":80", ":443", ":8", "@", "user:pw@", "utm_a=1", "fbclid", "a[]",
    "+", "%20", " ", "\t", "\n", "~", "|", "^", "`", "{", "}", "'", '"', "<", ">", ";", "!", "[::1]", "1.2.3.4", "0x7f",
    "xn--", "\u200b", "\ufeff", "\ud800", "\0", "ß", "İ",
])  # fmt: skip
MADE = st.lists(PIECES | st.text(max_size=3), max_size=12).map("".join)


@given(MADE.map("http://x.org/".__add__) | MADE.map("https://".__add__) | MADE)
@example("http://x.org/%%341")
@example("http://www./a")
@example("http://x.org/%2e%2e%2f")
@example("http://x.org//")
@example("https://www..")
@example("http:0:443")
@example("https://www.www.www.http:")
@example("https://x.org:80/a")
@settings(max_examples=1000, deadline=None)
def test_a_normalised_url_is_normalised_and_its_key_is_its_spellings(url):
    normal = normalised(url)
    if normal is None:
        return
    assert normalised(normal) == normal
    assert normal.isascii() and "#" not in normal and " " not in normal and "@" not in normal.split("/")[2]
    key = key_of(normal)
    again = normalised(f"https://{key}")
    assert again is not None and key_of(again) == key
    assert len(hash_of(key)) == 16


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("http://example.com", "https://www.example.com/"),
        ("https://www.example.com/a/", "http://example.com/a"),
        ("http://example.com/a/?b=2&a=1", "https://example.com/a?a=1&b=2&utm_campaign=c"),
        ("http://example.com/a#b", "http://EXAMPLE.com:80/./a"),
        ("http://example.com/caf%C3%A9", "http://example.com/café"),
        ("http://example.com:443/a", "https://example.com/a"),
    ],
)
def test_spellings_that_join(url, other):
    assert key_of(normalised(url)) == key_of(normalised(other))


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("http://example.com/a", "http://example.com/A"),
        ("http://example.com/a?b=1", "http://example.com/a?b=2"),
        ("http://example.com:8080/", "http://example.com/"),
        ("http://m.example.com/", "http://example.com/"),
        ("http://www.com/a.b", "http://com/a.b"),
        ("http://example.com/a%2Fb", "http://example.com/a/b"),
    ],
)
def test_spellings_that_do_not_join(url, other):
    assert key_of(normalised(url)) != key_of(normalised(other))


def test_hosts_and_the_domains_that_they_are_in():
    assert host_of("http://[::1]:8080/a") == "[::1]"
    assert host_of("https://en.wikipedia.org:8443/wiki/A:B?c") == "en.wikipedia.org"
    domains = frozenset(["wikipedia.org", "imgur.com"])
    assert is_in("wikipedia.org", domains) and is_in("en.m.wikipedia.org", domains)
    assert not is_in("notwikipedia.org", domains) and not is_in("wikipedia.org.evil.com", domains)
    assert not is_in("org", domains) and not is_in("", domains)
