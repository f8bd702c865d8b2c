"""How Spark is started: whose settings count, what we add, and what of ours its executors get.

Settings, each over the ones before: spark-defaults.conf (SPARK_CONF_DIR) and spark-env.sh, PYSPARK_SUBMIT_ARGS, the
pipeline's `conf`, and the few that we must set. What we merely prefer is set only where none of those says anything.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from tasks.runtime.errors import Mistake
from tasks.runtime.pool import ATTEMPTS
from tasks.runtime.preflight import PACKAGES

ROOT = Path(__file__).resolve().parents[2]
JAVA = "install Java 17 or later (Debian: apt install openjdk-17-jre-headless), or set `engine: local`"
# Our JVM only moves bytes: a start, a map and a shuffle cost 6 s of CPU so, and 10 s with the optimising compiler.
LIGHT = "-XX:TieredStopAtLevel=1"
# Where spark-submit's own option would stand before `--conf`, a setting is given as that option: the last one counts.
OPTIONS = {"spark.master": "--master", "spark.driver.memory": "--driver-memory"}


def find_java() -> str:
    """The java that Spark's launcher will use.

    Raises:
        Mistake: there is none.
    """
    home = os.environ.get("JAVA_HOME")
    found = shutil.which(Path(home) / "bin" / "java" if home else "java")
    if found is None:
        where = f"JAVA_HOME is {home}, which has no bin/java" if home else "no java is on the PATH"
        raise Mistake(f"the Spark engine needs Java, and {where}: {JAVA}")
    return found


def check_master(master: str) -> None:
    """Mistake: no Spark master looks so."""
    if not re.match(r"local(\[.*\])?$|local-cluster\[|spark://|yarn$|k8s://", master):
        raise Mistake(f"{master!r} is no Spark master; say local[4], spark://host:7077, yarn or k8s://https://host")


def local_workers(master: str) -> int | None:
    """Threads of a `local` master; None for a cluster."""
    found = re.fullmatch(r"local(\[(\d+|\*)(,\d+)?\])?", master.replace(" ", ""))
    if not found:
        return None
    return len(os.sched_getaffinity(0)) if found[2] == "*" else int(found[2] or 1)


def submit_arguments(master: str | None, conf: dict[str, str], given: str) -> str:
    """PYSPARK_SUBMIT_ARGS: what was given, then the pipeline's, of which spark-submit takes the last."""
    words = shlex.split(given)
    if words[-1:] == ["pyspark-shell"]:
        words.pop()
    for key, value in {**conf, **({"spark.master": master} if master else {})}.items():
        option = OPTIONS.get(key)
        words += [option, value] if option else ["--conf", f"{key}={value}"]
    return shlex.join([*words, "pyspark-shell"])


def launch(master: str | None, conf: dict[str, str], log: Path) -> Any:
    """Start the JVM with its output in `log`; py4j's gateway, whose `proc` is the process."""
    from pyspark.java_gateway import launch_gateway

    before = {name: os.environ.get(name) for name in ("PYSPARK_SUBMIT_ARGS", "SPARK_SUBMIT_OPTS")}
    os.environ["PYSPARK_SUBMIT_ARGS"] = submit_arguments(master, conf, before["PYSPARK_SUBMIT_ARGS"] or "")
    if master and local_workers(master):
        os.environ["SPARK_SUBMIT_OPTS"] = f"{LIGHT} {before['SPARK_SUBMIT_OPTS'] or ''}".strip()
    try:
        with log.open("ab") as file:
            # A session of its own: Ctrl-C and a signal to our process group are ours to pass on.
            launch: Any = launch_gateway
            return launch(popen_kwargs={"stdout": file, "stderr": file, "start_new_session": True})
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def settle(settings: Any, master: str | None, conf: dict[str, str], scratch: Path) -> Any:
    """Complete a SparkConf that holds what Spark's own files and arguments say."""
    for key, value in conf.items():
        settings.set(key, value)
    if master:
        settings.set("spark.master", master)
    settings.setIfMissing("spark.master", "local[*]")
    where = settings.get("spark.master")
    preferred = {
        "spark.ui.enabled": "false",  # it would listen on every interface
        "spark.scheduler.mode": "FAIR",  # stages that run side by side share the executors
        "spark.locality.wait": "0s",  # a partition moves in less than the 3 s that Spark would wait for its holder
    }
    if where.startswith("local"):
        preferred |= {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
        preferred |= {"spark.local.dir": str(scratch)}
    for key, value in preferred.items():
        settings.setIfMissing(key, value)
    if settings.get("spark.app.name", "pyspark-shell") == "pyspark-shell":  # the launcher's, if nobody's
        settings.set("spark.app.name", "millrace")
    threads = local_workers(where)
    if threads:
        # Plain local[n] never retries. Its workers are children of this machine and import what this process can.
        if "," not in where:
            settings.set("spark.master", f"local[{threads},{settings.get('spark.task.maxFailures', str(ATTEMPTS))}]")
        path = [str(Path(entry).resolve()) for entry in sys.path if Path(entry).exists()]
        settings.set("spark.executorEnv.PYTHONPATH", os.pathsep.join(dict.fromkeys(path)))
    return settings


def python(settings: Any) -> str:
    """The executors' Python: the one that was named, else this one's path."""
    named = settings.get("spark.pyspark.python", None) or os.environ.get("PYSPARK_PYTHON")
    return named if named and not local_workers(settings.get("spark.master")) else sys.executable


def pack(path: Path) -> Path:
    """The project's packages as a zip, which executors import from."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in PACKAGES:
            for file in sorted((ROOT / package).rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    archive.write(file, file.relative_to(ROOT).as_posix())
    return path


def add_compiled(path: Path, log: Path) -> subprocess.Popen[bytes]:
    """Begin to add compiled kernels to the zip, so that no executor compiles them (10 s); the JVM starts meanwhile.

    Where it fails the executors compile for themselves; the log says why.
    """
    command = [sys.executable, "-m", "tasks.kernels.cache", str(path)]
    with log.open("ab") as file:
        return subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file)
