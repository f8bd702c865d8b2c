"""`millrace verify`: every file of every built artifact against its manifest, and against what it was made of."""

from rich.console import Console

from tasks.runtime.damage import Damage, damage
from tasks.runtime.run import Run


def show(console: Console, run: Run) -> bool:
    """Print what is damaged, what was made of it, and the counts; whether all is well."""
    built = [artifact for artifact in run.artifacts if artifact.built]
    checked = damage(built)
    for artifact in built:
        for sentence in checked[artifact.label].sentences:
            console.print(sentence, markup=False, highlight=False, soft_wrap=True)
    found: list[Damage] = [checked[artifact.label] for artifact in built]
    rest = len(run.artifacts) - len(built)
    console.print(
        f"{len(built)} artifacts, {sum(each.files for each in found):,} files, {sum(each.bytes for each in found):,} "
        f"bytes checked; {sum(len(each.sentences) for each in found)} damaged; {rest} artifacts are not built",
        highlight=False,
    )
    return not any(each.sentences for each in found)
