"""`millrace plan --ask`: how large crawls' files are, as their servers say, by a few files of each."""

from collections.abc import Callable
from typing import Any

from conf.pipeline import Pipeline
from tasks.runtime.run import Run
from tasks.sources.input.files import crawl_files, draw
from tasks.sources.remote.bring import Remote, look_all
from tasks.sources.remote.manners import Manners

FEW = 8  # files of a crawl that are asked for: their sizes differ by some per cent


def sizes_of(pipeline: Pipeline, run: Run, say: Callable[[str], None]) -> dict[str, float]:
    """Bytes of each source's files that a crawl holds and no run has listed yet, from the mean of a few.

    Raises:
        Mistake: there is no such crawl, or it has fewer files. Failure: a server does not answer as it should.
    """
    unlisted = {
        artifact.name for artifact in run.artifacts if artifact.stage == "ingest" and _unlisted(artifact.recipe)
    }
    manners = Manners(**pipeline.servers.model_dump())
    sizes: dict[str, float] = {}
    for name, source in pipeline.sources.items():
        crawl = source.common_crawl(pipeline.seed)
        if name not in unlisted or crawl is None or not isinstance(source.files, int):
            continue
        urls = crawl_files({"name": name, "files": source.files, **crawl}, manners)
        known: dict[str, Remote] = {}
        look_all(draw(urls, FEW, pipeline.seed), manners, known)
        of_each = [there.size for there in known.values() if there.size is not None]
        if of_each:
            sizes[name] = len(urls) * sum(of_each) / len(of_each)
        say(f"{name}: {len(of_each)} of {len(urls):,} files asked for")
    return sizes


def _unlisted(recipe: dict[str, Any]) -> bool:
    return any("missing" in file for file in recipe["parameters"].get("files") or [] if isinstance(file, dict))
