"""What docs/security.md promises: what can run code is not read, no name leaves its folder, no credential is kept."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from conf.keys import Secret, without_credentials
from flows.found import public
from model import hf
from tasks.kernels import cache
from tasks.runtime.artifact import FILES, MANIFEST, Artifact, artifact_at, stays_below
from tasks.runtime.engine import LocalEngine
from tasks.runtime.fingerprint import digest
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.runtime.store import Damaged, store_at

ROOT = Path(__file__).parents[1]
ROOMS = ("conf", "flows", "tasks", "model")
# Who unpickles, and why it may: what comes is from a process that we started, over a pipe or its cluster's own channel.
OUR_OWN_PROCESSES = {"tasks/runtime/pool.py", "tasks/runtime/errors.py", "tasks/runtime/spark.py"}
CELL = "tasks/evaluation/metrics/cell.py"  # runs a model's program: namespaces, no network, a user of its own


def calls() -> list[tuple[str, int, str, ast.Call]]:
    """Every call in our rooms: file, line, the function's name as it is written, the call."""
    found = []
    for path in (path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                found.append((path.relative_to(ROOT).as_posix(), node.lineno, ast.unparse(node.func), node))
    return found


def test_nothing_that_can_run_code_is_read_from_a_file():
    for place, line, name, call in calls():
        where, last = f"{place}:{line}", name.rpartition(".")[2]
        keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        if name.startswith(("pickle.load", "cloudpickle.load", "marshal.load", "dill.load")):
            assert place in OUR_OWN_PROCESSES, where
        if name in ("eval", "exec"):
            assert place == CELL, where
        assert not name.startswith(("joblib", "shelve", "torch.load", "pd.read_pickle")), where
        assert last not in ("unsafe_load", "full_load", "unpack_archive", "extractall"), where
        if name in ("np.load", "numpy.load"):
            assert keywords.get("allow_pickle") == "False", where
        if name == "yaml.load":
            assert ast.unparse(call.args[1]) == "Loader", where  # conf/reading.py's, of yaml.SafeLoader
        assert keywords.get("shell", "False") == "False" and name != "os.system", where
        assert "trust_remote_code" not in keywords, where


def test_the_loader_of_yaml_makes_no_objects():
    import yaml

    from conf.reading import Loader

    with pytest.raises(yaml.constructor.ConstructorError):
        yaml.load("!!python/object/apply:os.getpid []", Loader)


NAMES = st.lists(st.sampled_from(["a", "..", ".", "", "b.c", "...", "a\\b", "a\0"]), min_size=1, max_size=4)


@given(NAMES)
def test_a_name_that_stays_below_is_below_when_joined(parts: list[str]):
    name = "/".join(parts)
    if stays_below(name):
        joined = os.path.normpath(os.path.join("/store/label", name))  # noqa: PTH118  normpath resolves no links
        assert joined.startswith("/store/label/") and joined == f"/store/label/{name}"


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "a//b", "", ".", "..", "a/..", "a\\..\\b", "a\0"])
def test_names_that_lead_out(name: str):
    assert not stays_below(name)


@statistics
class Noted:
    notes: int = 0


@stage("noted", kind="fit")
def noted(job: Job) -> Noted:
    """A file."""
    with job.publish("note.txt") as file:
        file.write(b"kept")
    return Noted(1)


def test_a_listing_that_leads_out_of_its_folder_is_damage(tmp_path: Path):
    """The sums are right, as a hostile store would have them; the name alone gives it away."""
    (tmp_path / "secret.txt").write_text("kept")
    store = tmp_path / "store"
    artifact = Run(store, LocalEngine(1))(noted, "toy")
    table = pq.read_table(artifact.folder / FILES)
    table = table.set_column(0, "file", [["../../../secret.txt"]])
    pq.write_table(table, artifact.folder / FILES)
    manifest = json.loads((artifact.folder / MANIFEST).read_bytes())
    import hashlib

    manifest["files"] = hashlib.sha256((artifact.folder / FILES).read_bytes()).hexdigest()
    manifest["checksum"] = digest({key: value for key, value in manifest.items() if key != "checksum"})
    (artifact.folder / MANIFEST).write_text(json.dumps(manifest, sort_keys=True, indent=1, ensure_ascii=False))
    with pytest.raises(Damaged, match=r"leads out of its artifact's folder; .*millrace repair"):
        artifact.files()


@pytest.mark.parametrize("label", ["../a-b", "stage/../../x-1", "/etc/passwd-1", "stage", ""])
def test_a_label_that_leads_out_is_none(tmp_path: Path, label: str):
    with pytest.raises(Damaged, match="is no artifact of"):
        artifact_at(label, store_at(str(tmp_path)))


def test_a_label_is_what_an_artifact_calls_itself(tmp_path: Path):
    artifact = Artifact("stage", "a-name", "0" * 16, store_at(str(tmp_path)))
    assert artifact_at(artifact.label, artifact.store) == artifact


@pytest.mark.parametrize("named", ["../outside.safetensors", "/etc/passwd", "sub/model.safetensors", "..", 7, None])
def test_an_index_of_weights_names_files_beside_it(tmp_path: Path, named: object):
    outside = tmp_path / "outside.safetensors"
    save_file({"wte.weight": torch.zeros(2, 2)}, outside)
    folder = tmp_path / "model"
    folder.mkdir()
    sizes = {"n_layer": 1, "n_embd": 8, "n_head": 1, "n_positions": 8, "vocab_size": 8}
    (folder / "config.json").write_text(json.dumps({"model_type": "gpt2", **sizes}))
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"wte.weight": named}}))
    with pytest.raises(ValueError, match=r"index\.json: .* is not the name of a file beside it"):
        hf.read(folder)


@pytest.mark.parametrize(
    "url",
    [
        "https://bucket.s3.amazonaws.com/a.gz?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=hunter2",
        "https://storage.googleapis.com/b/a.gz?X-Goog-Signature=hunter2",
        "https://account.blob.core.windows.net/c/a.gz?sv=2024-01-01&sig=hunter2",
        "https://host/a?token=hunter2", "https://host/a?access_token=hunter2", "https://host/a?api_key=hunter2",
        "https://host/a?AWSAccessKeyId=hunter2", "https://host/a?x=1&Password=hunter2", "https://host/a?auth=hunter2",
        "https://user:hunter2@host/a", "https://hunter2@host/a", "s3://key:hunter2@bucket/a",
    ],
)  # fmt: skip
def test_a_url_that_holds_a_credential_is_refused_and_not_repeated(url: str):
    with pytest.raises(Secret) as told:
        without_credentials(url)
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize(
    "url",
    ["https://host/a?page=3", "https://host/a?signed=no", "s3://bucket/tokens/*.gz", "abfs://box@account/a", "a?b*.gz"],
)
def test_other_addresses_pass(url: str):
    assert without_credentials(url) == url


def test_a_server_is_shown_without_its_user():
    assert public("https://me:hunter2@prefect.example/api") == "https://***@prefect.example/api"
    assert public("http://127.0.0.1:4200/api?at=a@b") == "http://127.0.0.1:4200/api?at=a@b"


def test_a_proxys_password_is_not_told():
    code = "from tasks.sources.remote.asking import _client; _client()"
    environment = {**os.environ, "HTTPS_PROXY": "gopher://me:hunter2@proxy:1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1]
    assert "Mistake: the environment's HTTPS_PROXY" in last and "hunter2" not in last


def test_compiled_kernels_are_not_kept_where_others_write(tmp_path: Path):
    """numba unpickles what its cache holds: whoever writes there runs code as us."""
    folder = tmp_path / "open"
    folder.mkdir()
    assert cache.ours(folder)
    folder.chmod(0o777)
    assert not cache.ours(folder)
    environment = {**os.environ, "MILLRACE_CACHE": str(folder)}
    code = "import os, tasks.kernels; print(os.environ['NUMBA_CACHE_DIR'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert not done.stdout.startswith(str(folder)) and not list(folder.iterdir())
    assert "can be written by other users" in done.stderr and "chmod o-w" in done.stderr
