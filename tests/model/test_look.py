"""The page of attention: its numbers are the model's, it needs nothing from elsewhere, and a browser shows it."""

import base64
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from opened import browser, opened

from model import likeliest, look
from model.attention import Attention
from model.config import Architecture
from model.gpt import GPT

SHAPES = {"gpt1": {"norm": "post", "final_norm": False}, "gpt2": {}, "gpt3": {"band": 4}}
TEXT = [5, 3, 30, 31, 1, 3, 9, 2, 2, 7]
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.inference_mode():
        yield


def some(kind: str = "gpt3") -> GPT:
    shape = {"layers": 2, "width": 32, "heads": 4, "context": 16, "vocabulary": 40, **SHAPES[kind]}
    model = GPT(Architecture(**shape)).initialise(1).eval()
    for p in model.parameters():
        if p.dim() == 2:
            p.mul_(8)
    model.end_of_text = 0
    return model


def spelt(token: int) -> str:
    """Two tokens are hostile; each has a name of its own."""
    return {30: "</script><script>document.title='hit'</script>", 31: "<b>&amp;"}.get(token, f"t{token}")


@pytest.mark.parametrize("kind", SHAPES)
def test_the_weights_shown_are_those_the_layers_compute_with(kind):
    """Values weighted by them, through the output matrix, are what the layer gives."""
    model, seen = some(kind), []
    layers = [part for part in model.modules() if isinstance(part, Attention)]
    for layer in layers:
        layer.register_forward_hook(lambda _, given, made: seen.append((given[0][0], made[0])))
    weights, logits = look.attention(model, TEXT)
    assert weights.shape == (2, 4, 10, 10)
    torch.testing.assert_close(logits, model(torch.tensor([TEXT]))[0])
    for layer, (x, made), of in zip(layers, seen, weights, strict=False):
        v = layer.qkv(x)[:, 64:].view(10, 4, 8).transpose(0, 1)  # (H, T, D)
        torch.testing.assert_close(layer.out((of @ v).transpose(0, 1).reshape(10, 32)), made, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 4, 10))
    assert (weights.triu(1) == 0).all() and ((weights[1].tril(-4) == 0).all() == (kind == "gpt3"))


def test_what_the_page_holds():
    model = some()
    shown = look.content(model, TEXT, spelt)
    weights, logits = look.attention(model, TEXT)
    raw = np.frombuffer(base64.b64decode(shown["attention"]), np.uint8).reshape(2, 4, 10, 10)
    np.testing.assert_allclose((raw / 255) ** 2, weights.numpy(), atol=0.004)
    assert shown["tokens"][:2] == ["t5", "t3"] and shown["left_out"] == 0
    for n, t in ((0, 0.1), (18, 1.0), (38, 2.0)):
        assert shown["temperatures"][n] == t
        law = (logits.double() / t).softmax(-1)
        for place in range(10):
            (name, logit), *_ = shown["expected"][place]
            p = np.exp(logit / t - shown["sums"][n][place])
            assert p == pytest.approx(float(law[place].max()), rel=1e-4)
            assert name == spelt(int(law[place].argmax()))
    assert [rank for _, rank in shown["came"]] == [
        1 + int((logits[n] > logits[n, TEXT[n + 1]]).sum()) for n in range(9)
    ]
    assert look.content(model, list(range(20)), spelt)["left_out"] == 4
    assert look.content(model, [], spelt)["tokens"] == ["t0"]


def test_a_text_too_long_for_a_page_is_refused(monkeypatch):
    monkeypatch.setattr(look, "AT_MOST", 8 * 49)
    look.content(some(), TEXT[:7], spelt)
    with pytest.raises(ValueError, match="8 tokens in 2 layers of 4 heads are 512 weights: give at most 7 tokens"):
        look.content(some(), TEXT[:8], spelt)


def test_what_is_likeliest_step_by_step():
    model = some()
    made = likeliest.steps(model, TEXT, k=3, more=4)
    assert [step.token for step in made[:10]] == TEXT and [step.chosen for step in made] == [False] * 10 + [True] * 4
    text = [step.token for step in made]
    law = model(torch.tensor([text]))[0].double().softmax(-1)
    for place, step in enumerate(made):
        top = law[place].topk(3)
        assert [token for token, _ in step.expected] == top.indices.tolist()
        assert [p for _, p in step.expected] == pytest.approx(top.values.tolist(), rel=1e-4)
        if place:
            assert step.probability == pytest.approx(float(law[place - 1, text[place]]), rel=1e-4)
            assert step.rank == 1 + int((law[place - 1] > law[place - 1, text[place]]).sum())
    assert made[0].probability is None and all(step.rank == 1 for step in made[10:])
    assert [step.token for step in likeliest.steps(model, [], k=1)] == [0]  # a document's beginning
    long = likeliest.steps(model, list(range(30)), k=1, more=10)  # past the context
    assert [step.token for step in long[:16]] == list(range(14, 30)) and len(long) == 26


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.tags.append((tag, dict(attributes)))


def test_it_needs_nothing_from_elsewhere_and_hostile_tokens_do_nothing():
    page = look.page("<small>", look.content(some(), TEXT, spelt))
    tags = Tags(page).tags
    assert [tag for tag, _ in tags].count("script") == 2  # the data, and the page's own
    assert not [t for t in tags if {"src", "href"} & t[1].keys()] and "url(" not in page and "@import" not in page
    assert "<small>" not in page and "&lt;small&gt;" in page
    data = re.search(r'application/json">(.*?)</script>', page, re.S)[1]  # type: ignore[index]
    assert "<" not in data and json.loads(data)["tokens"][2] == spelt(30)


@browser
@pytest.mark.browser
def test_its_own_script_runs_and_no_other(tmp_path: Path):
    path = tmp_path / "page.html"
    page = look.page("small", look.content(some(), TEXT, spelt))
    path.write_text(page.replace("</body>", "<script>document.title='hit'</script></body>"))
    with opened(path) as (shown, errors):
        assert shown.locator("#text button").count() == 10 and shown.title() == "What small looks at"
        assert len(errors) == 1 and "Content Security Policy" in errors[0]


PROBE = """<script>addEventListener('load',()=>{
  const data=document.documentElement.dataset,$=id=>document.getElementById(id),rows=()=>[...$('expected').rows];
  const slider=$('temperature'),shares=()=>rows().map(r=>r.cells[2].textContent).join('|');
  data.wide=document.documentElement.scrollWidth;data.chips=$('text').children.length;
  data.grid=$('grid').querySelectorAll('canvas').length;data.middle=$('degrees').textContent;
  $('text').children[4].click();data.next=[...$('expected').querySelectorAll('.came')].map(r=>r.cells[0].textContent);
  data.warm=shares();slider.value=0;slider.dispatchEvent(new Event('input'));
  data.cold=shares();data.degrees=$('degrees').textContent;
  dispatchEvent(new KeyboardEvent('keydown',{key:'ArrowRight'}));data.at=$('rest').textContent;
  $('grid').querySelectorAll('button')[5].click();data.title=$('title').textContent;
  data.chip=$('text').children[2].textContent;
  const large=$('large'),pixel=(q,k)=>large.getContext('2d').getImageData(k,q,1,1).data.slice(0,3).join();
  data.size=large.width;data.future=pixel(0,5);data.past=pixel(9,0);data.own=pixel(0,0);
})</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no headless browser: install chromium to look at the page")
@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True])
def test_a_browser_shows_it(dark: bool, tmp_path: Path):
    model = some()
    shown = look.content(model, TEXT, spelt)
    copy = tmp_path / "page.html"
    # The policy lets no script run but the page's own: without it in the copy that is asked.
    page = re.sub(r"<meta http-equiv[^>]*>", "", look.page("small", shown))
    copy.write_text(page.replace("</body>", f"{PROBE}</body>"))
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars",
             "--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}"]  # fmt: skip
    if dark:
        flags += ["--blink-settings=preferredColorScheme=0"]
    dom = subprocess.run(
        [str(CHROMIUM), *flags, "--dump-dom", "--window-size=500,2000", copy.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    ).stdout  # fmt: skip
    found = dict(re.findall(r'data-(\w+)="([^"]*)"', dom[: dom.index("<head>")]))
    assert int(found["wide"]) <= 500 and (found["chips"], found["grid"]) == ("10", "8")
    assert "<title>What small looks at</title>" in dom and found["chip"] == spelt(30).replace('"', "&quot;").replace(
        "<", "&lt;"
    ).replace(">", "&gt;")
    assert (found["middle"], found["degrees"]) == ("1.00", "0.10") and found["next"] == spelt(TEXT[5])
    _, logits = look.attention(model, TEXT)

    def percents(t: float) -> list[float]:
        law = (logits[4].double() / t).softmax(-1).sort(descending=True).values[:3]
        return [100 * float(p) for p in law]

    for name, t in (("warm", 1.0), ("cold", 0.1)):
        first = [float(share.split()[0]) for share in found[name].split("|")[:3]]
        assert first == pytest.approx(percents(t), abs=0.06), name
    assert found["at"].startswith("after t3;") and f"goes on with {spelt(9)}" in found["at"]  # one to the right
    assert found["title"] == "Layer 1, head 1" and found["size"] == "10"
    paper, ink = ("20,25,30", "108,171,219") if dark else ("251,250,247", "47,111,159")
    # Not yet seen, and out of the band: paper. The first token sees itself alone: the full colour.
    assert (found["future"], found["past"], found["own"]) == (paper, paper, ink)
