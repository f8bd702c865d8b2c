"""What goes with an export: the card that `datasets` loads by, Croissant that mlcroissant reads, and the lineage."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import exported
import pytest
import yaml
from exported import Corpus

from tasks.export.card import hub_licence, size_category
from tasks.export.lineage import About, Told
from tasks.export.rows import COLUMNS, SCHEMA, SPLITS
from tasks.runtime.decisions import chain

SOURCES = ["good", "web"]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """`datasets`, with caches of its own and no network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hub")))
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_DATASETS_OFFLINE", "1")
        yield pytest.importorskip("datasets")


@pytest.fixture(scope="module")
def described(out: Path) -> dict[str, Any]:
    return json.loads((out / "croissant.json").read_text())


def by_split(rows: list[dict[str, Any]], sources: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Sorted by id."""
    chosen = sorted((row for row in rows if row["source"] in sources), key=lambda row: row["id"])
    return {split: [row for row in chosen if row["split"] == split] for split in SPLITS}


@pytest.mark.parametrize("form", ["parquet", "jsonl.zst"])
def test_datasets_loads_it(corpus: Corpus, out: Path, hub: Any, tmp_path: Path, form: str) -> None:
    """All sources by default, or one; equal rows, and types as the card says."""
    folder = out if form == "parquet" else tmp_path / "lines"
    if form != "parquet":
        exported.leave(corpus.conf, folder, form=form)
    rows = exported.rows_of(out)
    for name, sources in ((None, SOURCES), ("web", ["web"]), ("good", ["good"])):
        found = hub.load_dataset(str(folder), name, cache_dir=str(tmp_path / "cache"))
        assert {split: sorted(table, key=lambda row: row["id"]) for split, table in found.items()} == by_split(
            rows, sources
        )
        assert found["train"].features == hub.Features.from_arrow_schema(SCHEMA)
    assert sorted(hub.get_dataset_config_names(str(folder))) == ["all_sources", *SOURCES]


def test_a_split_that_is_not_there_is_not_told(corpus: Corpus, hub: Any, tmp_path: Path) -> None:
    exported.leave(corpus.conf, tmp_path / "out", split="validation", sources=["web"])
    found = hub.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert list(found) == ["validation"] and len(found["validation"]) == len(exported.rows_of(tmp_path / "out"))


def test_mlcroissant_validates_and_reads_it(out: Path) -> None:
    croissant = pytest.importorskip("mlcroissant")
    dataset = croissant.Dataset(jsonld=str(out / "croissant.json"))
    issues = dataset.metadata.ctx.issues
    assert issues.errors == set()
    assert all(re.search("citeAs|datePublished", warning) for warning in issues.warnings), issues.warnings
    assert dataset.metadata.ctx.conforms_to.value == "http://mlcommons.org/croissant/1.1"
    rows = exported.rows_of(out)
    for source in SOURCES:
        expected = {row["id"]: row for row in rows if row["source"] == source}
        found = {record[f"{source}/id"].decode(): record for record in dataset.records(record_set=source)}
        assert found.keys() == expected.keys()
        for id, record in found.items():
            row = expected[id]
            for name in ("text", "split", "url", "file", "record", "language"):
                assert record[f"{source}/{name}"].decode() == row[name]
            assert [record[f"{source}/{name}"] for name in ("offset", "length", "cluster_size")] == [
                row["offset"], row["length"], row["cluster_size"],
            ]  # fmt: skip


def test_a_file_that_was_changed_is_told_by_its_checksum(out: Path, tmp_path: Path) -> None:
    """mlcroissant compares files with croissant.json: the checksums there are theirs."""
    import hashlib

    described = json.loads((out / "croissant.json").read_text())
    files = {each["contentUrl"]: each for each in described["distribution"] if each["@type"] == "cr:FileObject"}
    found = {name: content for name, content in exported.contents(out).items() if name.startswith("data/")}
    assert {name: hashlib.sha256(content).hexdigest() for name, content in found.items()} == {
        name: each["sha256"] for name, each in files.items()
    }
    assert all(files[name]["contentSize"] == f"{len(content)} B" for name, content in found.items())


def test_lineage_is_that_of_the_manifests(corpus: Corpus, described: dict[str, Any]) -> None:
    """Each decision of each source is an activity, informed by the one before, with its fingerprint and its counts."""
    activities = {each["@id"]: each for each in described["prov:wasGeneratedBy"]}
    assert {each["@type"] for each in activities.values()} == {"prov:Activity"}
    for source in SOURCES:
        columns = corpus.built.sources[source]
        made = [columns.documents, *reversed(list(chain(columns.last)))]
        ids = [f"{artifact.stage}-{source}-{artifact.fingerprint}" for artifact in made]
        assert ids == [id for id in activities if f"-{source}-" in id] and len(ids) == 4
        assert activities[ids[0]]["prov:used"] == {"@id": f"source-{source}"}
        for before, after in pairwise(ids):
            assert activities[after]["prov:wasInformedBy"] == {"@id": before}
            assert activities[after]["millrace:met"] == activities[before]["millrace:documents"]
            counts = next(artifact for artifact in made if after.startswith(artifact.stage)).manifest["statistics"]
            assert activities[after]["millrace:documents"] == counts["kept"]
            reasons = {reason: count for reason, count in counts["reasons"].items() if count}
            assert activities[after]["millrace:left"] == [f"{reason}: {count}" for reason, count in reasons.items()]
    entities = {each["@id"]: each for each in described["prov:wasDerivedFrom"]}
    assert [each["millrace:files"] for each in entities.values()] == [1, 3]
    assert entities["source-web"]["millrace:licence"] == "LicenseRef-Common-Crawl-Terms"
    assert described["license"] == [
        "https://spdx.org/licenses/CC-BY-SA-4.0",
        "https://spdx.org/licenses/GFDL-1.3-or-later",
        {"@type": "sc:CreativeWork", "name": "LicenseRef-Common-Crawl-Terms"},
    ]


def test_prov_is_read_as_triples(out: Path) -> None:
    """A reader of RDF, that knows nothing of Croissant, finds the same lineage."""
    rdflib = pytest.importorskip("rdflib")
    graph = rdflib.Graph().parse(out / "croissant.json", format="json-ld")
    prov = rdflib.Namespace("http://www.w3.org/ns/prov#")
    (dataset,) = graph.subjects(rdflib.RDF.type, rdflib.URIRef("https://schema.org/Dataset"))
    (agent,) = graph.objects(dataset, prov.wasAttributedTo)
    assert graph.value(agent, rdflib.RDF.type) == prov.SoftwareAgent
    assert len(set(graph.objects(dataset, prov.wasDerivedFrom))) == len(SOURCES)
    last = [each for each in graph.objects(dataset, prov.wasGeneratedBy) if "/cuts-web-" in f"/{each}"]
    walked = [last[0]]
    while (before := graph.value(walked[-1], prov.wasInformedBy)) is not None:
        walked.append(before)
    used = graph.value(walked[-1], prov.used)
    assert len(walked) == 4 and used in set(graph.objects(dataset, prov.wasDerivedFrom))


def test_no_folder_of_the_machine_is_told(corpus: Corpus, out: Path) -> None:
    for name, content in exported.contents(out).items():
        assert str(corpus.folder).encode() not in content and str(Path.home()).encode() not in content, name
    manifest = json.loads((out / "millrace.json").read_text())
    files = next(each for each in manifest["artifacts"] if each["stage"] == "ingest" and each["name"] == "web")
    assert [file["name"] for file in files["parameters"]["files"]] == [f"part-{n}.warc.gz" for n in range(3)]
    stages = {each["stage"] for each in manifest["artifacts"]}
    assert stages >= {"ingest", "classifier", "score", "keep", "signatures", "survivors", "hits", "cuts", "benchmark"}


def test_the_card_says_what_there_is(out: Path) -> None:
    page = (out / "README.md").read_text()
    head = yaml.safe_load(page.split("---\n")[1])
    rows = exported.rows_of(out)
    assert head["size_categories"] == ["n<1K"] and head["license"] == "other"
    assert head["license_name"] == "CC-BY-SA-4.0 and GFDL-1.3-or-later and LicenseRef-Common-Crawl-Terms"
    assert set(head["language"]) == {row["language"] for row in rows if row["language"]}
    for source in SOURCES:
        counts = [sum((row["source"], row["split"]) == (source, split) for row in rows) for split in SPLITS]
        size = sum(len(row["text"].encode()) for row in rows if row["source"] == source)
        files = len(list(out.glob(f"data/{source}/*")))
        assert re.search(rf"^\| `{source}` .* \| {counts[0]} \| {counts[1]} \| {size:,} \| {files} \|$", page, re.M)
    assert all(f"| `{name}` |" in page for name in COLUMNS)
    assert not re.search(r"\{\{|\{%|None|Undefined", page)


def test_what_only_the_user_knows(corpus: Corpus, tmp_path: Path) -> None:
    told = Told("https://example.org/corpus", "The Example Lab", "2026-11-30")
    exported.leave(corpus.conf, tmp_path, split="validation", told=told)
    described = json.loads((tmp_path / "croissant.json").read_text())
    assert (described["url"], described["datePublished"]) == (told.url, told.published)
    assert described["creator"] == {"@type": "sc:Organization", "name": told.creator}
    assert "Made by The Example Lab, 2026-11-30." in (tmp_path / "README.md").read_text()


def test_another_licence_writes_the_card_anew_and_no_row(corpus: Corpus, out: Path, tmp_path: Path) -> None:
    conf = yaml.safe_load(corpus.conf.read_text())
    for source in conf["sources"].values():
        source["licence"] = "CC0-1.0"
    other = tmp_path / "corpus.yaml"
    other.write_text(yaml.safe_dump(conf))
    exported.leave(corpus.conf, tmp_path / "out")
    places = {path: path.stat().st_ino for path in (tmp_path / "out").glob("data/*/*")}
    exported.leave(other, tmp_path / "out")
    assert {path: path.stat().st_ino for path in (tmp_path / "out").glob("data/*/*")} == places
    described = json.loads((tmp_path / "out" / "croissant.json").read_text())
    assert described["license"] == ["https://spdx.org/licenses/CC0-1.0"]
    assert yaml.safe_load((tmp_path / "out" / "README.md").read_text().split("---\n")[1])["license"] == "cc0-1.0"


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        (["MIT"], {"license": "mit"}),
        (["CC-BY-SA-4.0 AND GFDL-1.3-or-later", "MIT"], {"license": ["cc-by-sa-4.0", "gfdl", "mit"]}),
        (["GPL-3.0-or-later", "GPL-3.0-only"], {"license": "gpl-3.0"}),
        (["ODC-By-1.0"], {"license": "odc-by"}),
        (["MIT", None], {"license": "unknown"}),
        (
            ["LicenseRef-x"],
            {"license": "other", "license_name": "LicenseRef-x", "license_link": "README.md#sources"},
        ),
    ],
)
def test_a_licence_in_the_hubs_words(stated: list[str | None], told: dict[str, Any]) -> None:
    about = {str(n): About("text", "g", licence, None) for n, licence in enumerate(stated)}
    assert hub_licence(about) == told


def test_sizes_in_the_hubs_words() -> None:
    found = [size_category(rows) for rows in (0, 999, 1000, 10**6 - 1, 10**6, 10**12 - 1, 10**12)]
    assert found == ["n<1K", "n<1K", "1K<n<10K", "100K<n<1M", "1M<n<10M", "100B<n<1T", "n>1T"]
