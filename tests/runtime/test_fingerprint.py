"""Fingerprints: code counts and comments do not; parameters' order does not; what is imported does."""

import ast
from dataclasses import replace

import pytest
import runtime_toys as toys

from tasks.runtime import fingerprint
from tasks.runtime.run import handle

STAGE = '''"""What it is."""
import json
from tasks.kernels import words
from tasks.deep.near import cut as snip
from tasks.runtime.stage import stage

def run(a, b=2):
    """Add."""
    if b < 0:
        raise Mistake(f"b is {b}; give more")
    return words.scan(a) + b  # plainly

class Thing:
    """A thing."""
    size = "text"
'''
FILES = {
    "tasks/__init__.py": "",
    "tasks/score.py": STAGE,
    "tasks/kernels/__init__.py": "",
    "tasks/kernels/words.py": "def scan(a):\n    from tasks.kernels.hash import mix\n    return mix(a)\n",
    "tasks/kernels/hash.py": "def mix(a):\n    return a * 3\n",
    "tasks/deep/near.py": "import tasks.deep.far\ncut = 1\n",
    "tasks/deep/far.py": "import tasks.score\nfar = 1\n",  # a circle is no trouble
    "tasks/other.py": "nobody = 1\n",
    "tasks/runtime/stage.py": "stage = 1\n",
}


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A source tree; calling it with changes gives the hashes of tasks.score's code, by module."""
    monkeypatch.setattr(fingerprint, "ROOT", tmp_path)

    def hashes(**changes: str) -> dict[str, str]:
        for name, text in {**FILES, **{key.replace("__", "/") + ".py": text for key, text in changes.items()}}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        forget()
        return fingerprint.code_hashes("tasks.score")

    yield hashes
    forget()


def forget() -> None:
    for remembered in (
        fingerprint.code_hashes,
        fingerprint._facts,
        fingerprint.imports,
    ):
        remembered.cache_clear()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# plainly", "# with a comment"),
        ('"""Add."""', '"""Add two numbers."""'),
        ('    """Add."""\n', ""),
        ('"""What it is."""', '"""What it was."""\n\n\n'),
        ('"""A thing."""', "'A something.'"),
        ("(a, b=2)", "(\n    a,\n    b=2,\n)"),
        ('"text"', "'text'"),
        ('f"b is {b}; give more"', '"b is below 0"'),
    ],
)
def test_what_does_not_run_does_not_count(tree, old, new):
    assert old in STAGE
    assert tree(tasks__score=STAGE.replace(old, new)) == tree()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("b=2", "b=3"),
        ("b=2", "b=2.0"),
        ("b=2", "b=None"),
        ("b=2", "b"),
        ("+ b", "- b"),
        ("raise Mistake", "raise Failure"),
        ("raise Mistake", "raise ValueError"),
        ('"text"', 'b"text"'),
        ('size = "text"', "size: str"),
        ("(a, b=2)", "(a, *, b=2)"),
        ("import json\n", ""),
        ("import cut as snip", "import cut"),
        ('"""Add."""', '"""Add."""\n    """No docstring, but a statement."""'),
    ],
)
def test_code_counts(tree, old, new):
    assert old in STAGE
    assert tree(tasks__score=STAGE.replace(old, new)) != tree()


@pytest.mark.parametrize(
    "name", ["tasks__kernels__words", "tasks__kernels__hash", "tasks__deep__near", "tasks__deep__far"]
)
def test_imported_code_counts(tree, name):
    text = FILES[name.replace("__", "/") + ".py"]
    assert tree(**{name: text + "more = 1\n"}) != tree()
    assert tree(**{name: text + "# more\n"}) == tree()


def test_other_code_and_the_runtime_do_not_count(tree):
    assert tree(tasks__other="nobody = 2\n", tasks__runtime__stage="stage = 2\n") == tree()


def test_a_module_that_says_so_does_not_count_nor_what_it_alone_imports(tree):
    bring = "SHAPES_NO_BYTES = True\nimport tasks.other\n"
    before = tree(tasks__deep__far=bring)
    assert not {"tasks.deep.far", "tasks.other"} & before.keys()
    assert tree(tasks__deep__far=bring + "more = 1\n") == before


def test_the_changed_file_is_named(tree):
    before, after = tree(), tree(tasks__kernels__hash="def mix(a):\n    return a * 5\n")
    assert [name for name in before if before[name] != after[name]] == ["tasks.kernels.hash"]


def test_the_shape_tells_apart_what_differs_and_is_stable():
    texts = [
        "f(x)",
        "f(*x)",
        "f(**x)",
        "x[1:]",
        "x[:1]",
        "x[1]",
        "{**a, 'b': 1}",
        "1",
        "True",
        "1.0",
        "'1'",
        "b'1'",
        "...",
        "None",
        "lambda: 0",
        "lambda x: 0",
        "(yield)",
        "f'{x}'",
        "f'{x!r}'",
    ]
    assert len({repr(fingerprint.shape(ast.parse(text))) for text in texts}) == len(texts)
    # printed in full once: another Python version must give this, too
    assert fingerprint.shape(ast.parse("x = 1")) == (
        "Module",
        (
            "body",
            [
                (
                    "Assign",
                    ("targets", [("Name", ("id", ("str", "'x'")))]),
                    ("value", ("Constant", ("value", ("int", "1")))),
                )
            ],
        ),
    )


def test_parameters_inputs_names_and_versions_count_and_order_does_not(tmp_path):
    def print_of(what=toys.numbers, name="toy", **arguments):
        return handle(tmp_path, what, name, arguments).fingerprint

    base = print_of(shards=1, rows=2)
    assert base == print_of(rows=2, shards=1)
    assert print_of(options={"a": 1, "b": {"c": 2, "d": 3}}) == print_of(options={"b": {"d": 3, "c": 2}, "a": 1})
    one, two = (handle(tmp_path, toys.numbers, name, {"shards": 1}) for name in ("one", "two"))
    different = [
        base,
        print_of(shards=2, rows=2),
        print_of(shards=1, rows=2.5),
        print_of(shards=1, row=2),
        print_of(shards=1, rows=2, name="other"),
        print_of(toys.halves, shards=1, rows=2),
        print_of(replace(toys.numbers, version="2"), shards=1, rows=2),
        print_of(replace(toys.numbers, libraries=("numpy",)), shards=1, rows=2),
        print_of(shards=one, rows=2),
        print_of(shards=two, rows=2),
        print_of(shards=[one, two], rows=2),
        print_of(shards=[two, one], rows=2),  # sources are in priority order
        print_of(shards={"a": one}, rows=2),
    ]
    assert len(set(different)) == len(different)


def test_a_librarys_version_counts(tmp_path, monkeypatch):
    what = replace(toys.numbers, libraries=("numpy", "pyarrow"))
    before = handle(tmp_path, what, "toy", {}).fingerprint
    installed = {"numpy": "0.0"}
    monkeypatch.setattr("tasks.runtime.fingerprint._installed", lambda name: installed.get(name, "1.0"))
    assert handle(tmp_path, what, "toy", {}).fingerprint != before


def test_numbers_that_are_none_are_refused(tmp_path):
    with pytest.raises(ValueError):
        handle(tmp_path, toys.numbers, "toy", {"rows": float("nan")})


def test_what_scores_a_model_is_in_its_fingerprint_and_what_trains_it_is_a_number_by_hand() -> None:
    from tasks.evaluation.answers import answers
    from tasks.models.pretrain import pretrain

    found = fingerprint._closure(answers.function.__module__)
    assert {"model.score", "model.gpt", "model.likelihood", "tasks.kernels.draw"} <= found
    assert not any(name.startswith(("tasks.runtime", "flows", "conf")) for name in found)
    assert answers.version is None and pretrain.version == "model 3"
