"""`licence` of a source: what SPDX knows, as SPDX spells it; no fingerprint has it."""

from pathlib import Path

import pytest
from plain import PLAIN, read

from conf.licence import ids
from flows import dag
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run


@pytest.mark.parametrize(
    ("written", "meant", "named"),
    [
        ("MIT", "MIT", ["MIT"]),
        ("cc-by-sa-4.0 and gfdl-1.3-or-later", "CC-BY-SA-4.0 AND GFDL-1.3-or-later", None),
        ("Apache-2.0 OR (MIT AND CC0-1.0)", "Apache-2.0 OR (MIT AND CC0-1.0)", ["Apache-2.0", "MIT", "CC0-1.0"]),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0", None),
        ("LicenseRef-Common-Crawl-Terms", "LicenseRef-Common-Crawl-Terms", ["LicenseRef-Common-Crawl-Terms"]),
    ],
)
def test_an_expression_is_spelled_as_spdx_does(tmp_path: Path, written: str, meant: str, named: list[str] | None):
    pipeline = read(tmp_path, PLAIN.replace("    kind: text", f'    kind: text\n    licence: "{written}"', 1))
    (licence,) = {source.licence for source in pipeline.sources.values() if source.licence}
    assert licence == meant and (named is None or ids(licence) == named)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("CC-BY", "CC-BY is no id of SPDX's list"),
        ("public domain", "public domain is no id of SPDX's list"),
        ("NOASSERTION", "NOASSERTION is no id of SPDX's list"),
        ("MIT OR", "no SPDX expression: OR requires two or more"),
        ("MIT MIT", "no SPDX expression: Invalid symbols sequence"),
        ("GPL-2.0-only WITH MIT", "no SPDX expression: "),
        ("", "no SPDX expression: it is empty"),
    ],
)
def test_what_is_none_is_refused(tmp_path: Path, written: str, said: str) -> None:
    with pytest.raises(Mistake, match=f"sources.books.licence: {said}"):
        read(tmp_path, PLAIN.replace("    kind: text", f'    kind: text\n    licence: "{written}"', 1))


def test_no_stage_reads_it(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a text")
    conf = f"store: {tmp_path}/store\nsources:\n  books: {{kind: text, files: {tmp_path}/a.txt, LICENCE}}\n"
    labels = []
    for licence in ("", "licence: MIT", "licence: CC0-1.0"):
        pipeline = read(tmp_path, conf.replace(", LICENCE", f", {licence}" if licence else ""))
        run = Run(pipeline.store_url(), None)
        dag.crawl_to_model(run, pipeline)
        labels.append([artifact.label for artifact in run.artifacts])
    assert labels[0] == labels[1] == labels[2] and len(labels[0]) > 5
