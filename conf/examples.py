"""`examples`: labelled text by name: which files, which form its records have, and which field of a record is what."""

from typing import Annotated, Any, Literal, NamedTuple, Self, get_args

from pydantic import Field, model_validator

from conf.keys import Address, Count, Keys, Positive, Share, Text
from conf.spelling import did_you_mean

FormName = Literal[
    "classify", "regress", "entail", "similar", "choose", "span", "tag", "chat", "compare", "prompt"
]  # fmt: skip
Named = str | list[str]  # a field of a record, such as `answers.text`; texts of several are joined by a space


class Fields(NamedTuple):
    """The keys by which a form names fields of a record; each stands for the field of its own name if absent.

    `optional` are those that a record may lack. `classes`: whether the form must have, may have, or has none.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    classes: Literal["must", "may", "none"] = "none"

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.required, *self.optional)


# Records of other projects (tasks/examples/importers.py), and the forms that are made of them.
FormatName = Literal["hh-rlhf", "self-instruct", "summarize-from-feedback", "t0"]
FORMATS: dict[str, tuple[str, ...]] = {
    "hh-rlhf": ("compare", "prompt"),
    "self-instruct": ("chat", "prompt"),
    "summarize-from-feedback": ("compare", "prompt"),
    "t0": ("chat", "prompt"),
}
FIELDS: dict[str, Fields] = {
    "classify": Fields(("text", "label"), classes="must"),
    "regress": Fields(("text", "label")),
    "entail": Fields(("premise", "hypothesis", "label"), classes="must"),
    "similar": Fields(("first", "second", "label"), classes="may"),
    "choose": Fields(("answers", "label"), ("document", "question"), classes="may"),
    "span": Fields(("question", "text", "answer"), ("start",)),
    "tag": Fields(("words", "tags"), classes="must"),
    "chat": Fields((), ("messages", "prompt", "answer")),
    "compare": Fields(("answers", "ranks"), ("messages", "prompt")),
    "prompt": Fields((), ("messages", "prompt")),
}
ALL = tuple(dict.fromkeys(name for fields in FIELDS.values() for name in fields.all))


class Prompts(Keys):
    """Which records stay, by their prompts. InstructGPT's rules (section 3.2, appendix C); null or false: none."""

    tokens: Count | None = Field(1024, description="of a prompt, at most")
    personal_data: bool = Field(
        True,
        description="leave out prompts that hold what looks like personal data: patterns of docs/ingest.md's `pii`",
    )
    prefix: Annotated[int, Field(ge=1)] | None = Field(
        100,
        description="leave out a prompt that begins, over so many characters, as an earlier one does; the paper "
        "gives no length",
    )
    per_user: Annotated[int, Field(ge=1)] | None = Field(
        200, description="prompts of one user, at most; of records that have a field `user`"
    )

    def rules(self) -> dict[str, Any]:
        """As tasks/examples/prompts.py takes them."""
        return {"tokens": self.tokens, "personal": self.personal_data, "same_prefix": self.prefix is not None,
                "per_user": self.per_user}  # fmt: skip


class Examples(Keys):
    """Labelled text: what a model is fine-tuned, or a reward is learned, on."""

    files: Address | list[Address] = Field(
        description="path or glob, or several: .tsv, .csv (with a line of names), .jsonl, .json, .parquet, also "
        "compressed (.gz, .zst, .bz2, .xz); {sample} is the demo's input"
    )
    validation: Address | list[Address] | None = Field(
        None,
        description="files that are held out whole; if absent records are, by hash, of the pipeline's `validation` "
        "share",
    )
    form: FormName = Field(
        description="classify: a class of a text; regress: a number of a text; entail: a class of two texts; similar: "
        "a class or number of two texts, in both orders; choose: one of several answers; span: where in a text the "
        "answer stands; tag: a class a word; chat: demonstrations; compare: ranked answers; prompt: what is to be "
        "answered"
    )
    format: FormatName | None = Field(
        None,
        description="chat, compare, prompt: the records are another project's: hh-rlhf, summarize-from-feedback (both "
        "compare), self-instruct, t0 (both chat), and any as prompt; docs/instruct.md",
    )
    text: Named | None = Field(None, description="classify, regress, span: field of the text")
    premise: Named | None = Field(None, description="entail: field of the first text")
    hypothesis: Named | None = Field(None, description="entail: field of the second text")
    first: Named | None = Field(None, description="similar: field of one text")
    second: Named | None = Field(None, description="similar: field of the other text")
    document: Named | None = Field(None, description="choose: field of what the question is about")
    question: Named | None = Field(None, description="choose, span: field of the question")
    answers: Named | None = Field(
        None, description="choose, compare: field of the list of answers; or a list of fields, an answer each"
    )
    answer: str | None = Field(
        None, description="span: field of the answer; chat: of what the assistant says, behind `prompt` or `messages`"
    )
    start: str | None = Field(
        None, description="span: field of the character at which the answer begins; else where it first stands"
    )
    words: str | None = Field(None, description="tag: field of the list of words")
    tags: str | None = Field(None, description="tag: field of their classes")
    messages: str | None = Field(None, description="chat, compare, prompt: field of a list of {role, content}")
    prompt: str | None = Field(None, description="chat, compare, prompt: instead of messages, what the user says")
    ranks: str | None = Field(
        None, description="compare: field of a rank an answer, 1 for the best; answers may share one"
    )
    label: str | None = Field(
        None,
        description="field of the class, or of the number; choose: of the right answer's place from 0, or its text, or "
        "its name among `classes`",
    )
    classes: list[Text] | None = Field(
        None,
        min_length=2,
        description="what labels may be, in the order of the model's outputs; a label that is a whole number is a "
        "place from 0 where no class is called by a number",
    )
    context: Count | None = Field(
        None,
        ge=8,
        description="tokens that a sequence has at most; if absent the smallest context of the models that read it",
    )
    prompts: Prompts | None = Field(
        None, description="chat, compare, prompt: rules by which records are left out; `{}`: the paper's; absent: none"
    )
    reject_share: Share = Field(
        0.1, description="more records that are not what they should be than this share fail the stage"
    )
    shard: Positive = Field(64_000_000, description="bytes of input per shard, about")

    @model_validator(mode="after")
    def _of_the_form(self) -> Self:
        fields = FIELDS[self.form]
        for key in ALL:
            if key in self.model_fields_set and key not in fields.all:
                raise ValueError(
                    f"form {self.form} has no `{key}`; its fields are {', '.join(fields.all)}"
                    f"{did_you_mean(key, set(fields.all) - self.model_fields_set)}"
                )
        if self.format is not None and self.form not in FORMATS[self.format]:
            made = " or ".join(FORMATS[self.format])
            raise ValueError(f"records of {self.format} make examples of the form {made}, not {self.form}")
        if self.format is not None and (named := [key for key in ALL if key in self.model_fields_set]):
            raise ValueError(f"format {self.format} says which field is what: {', '.join(named)} must go")
        if self.prompts is not None and self.form not in ("chat", "compare", "prompt"):
            raise ValueError(f"`prompts` belongs to the forms chat, compare and prompt, not to {self.form}")
        if fields.classes == "must" and self.classes is None:
            raise ValueError(f"form {self.form} needs `classes`: what labels may be, in the order of the outputs")
        if fields.classes == "none" and self.classes is not None:
            raise ValueError(f"form {self.form} has no `classes`")
        if self.classes is not None and (twice := [one for one in self.classes if self.classes.count(one) > 1]):
            raise ValueError(f"classes names {twice[0]} twice")
        return self

    def fields(self) -> dict[str, Any]:
        """Which field of a record is what, by the form's keys."""
        return {key: getattr(self, key) or key for key in FIELDS[self.form].all}


FORMS: tuple[str, ...] = get_args(FormName)
