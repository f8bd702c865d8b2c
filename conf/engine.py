"""What runs the stages: `engine`, processes of this machine or Spark, over Spark's own settings."""

import re
from typing import Any

from pydantic import Field, field_validator, model_validator

from conf.keys import Keys, Secret, Text, without_credentials

# Names of settings that hold a credential, and endings of those that only say where one is kept or who gives it.
SECRET = re.compile(r"password|secret|token|credential|access\.?key|private\.?key", re.IGNORECASE)
ABOUT = re.compile(r"(provider|file|path|enabled)$", re.IGNORECASE)


class Spark(Keys):
    """Spark. What is absent here is as spark-defaults.conf, SPARK_CONF_DIR and PYSPARK_SUBMIT_ARGS have it."""

    master: str | None = Field(
        None,
        min_length=1,
        description="such as local[2], spark://host:7077, yarn, k8s://https://host; absent: Spark's own settings say",
    )
    conf: dict[str, Text] = Field(
        default_factory=dict, description="Spark's settings by name, such as spark.executor.memory: 8g; no credentials"
    )

    @field_validator("conf", mode="before")
    @classmethod
    def _no_secrets(cls, conf: Any) -> Any:
        """Before any value is looked at, since a message about one would repeat it."""
        for key, value in conf.items() if isinstance(conf, dict) else ():
            name = str(key)
            if SECRET.search(name) and not ABOUT.search(name):
                raise Secret(f"{name} looks like a credential; put it in the environment or in Spark's own files")
            if isinstance(value, str):
                without_credentials(value)
        return conf

    @field_validator("conf")
    @classmethod
    def _are_sparks(cls, conf: dict[str, str]) -> dict[str, str]:
        for key in conf:
            if not key.startswith("spark."):
                raise ValueError(f"{key} is no setting of Spark: their names begin with spark.")
        if "spark.master" in conf:
            raise ValueError("spark.master is given as `master`, beside `conf`")
        return conf


class Engine(Keys):
    """`local`: processes of this machine. `spark`, `spark: MASTER` or `spark: {master: ..., conf: {...}}`: Spark."""

    spark: Spark | None = None  # None: local

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if value == "local":
            return {}
        if value == "spark":
            return {"spark": {}}
        if isinstance(value, dict) and isinstance(value.get("spark"), str):
            return {**value, "spark": {"master": value["spark"]}}
        if not isinstance(value, dict) or (set(value) == {"spark"} and value["spark"] is None):
            raise ValueError("an engine is local, spark, spark: <master>, or spark: {master: ..., conf: {...}}")
        return value
