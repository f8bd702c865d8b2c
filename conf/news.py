"""`evaluate.news`: articles that models write, and who can tell them from people's. docs/news.md says what it means."""

from pydantic import Field

from conf.keys import Address, Keys, Positive


class News(Keys):
    """Articles that every model that is evaluated writes to titles (GPT-3, section 3.9.4); the paper's numbers where
    none are given."""

    articles: Address = Field(
        description="JSONL (.gz) with title, subtitle and text: articles that people wrote, best newer than the "
        "training text. Three more than `titles`"
    )
    titles: Positive = Field(25, description="articles whose titles models write to, drawn by hash")
    words: Positive = Field(200, description="of each text at most, people's and models'")
    control: str | None = Field(
        None,
        description="model that accuracies are tested against, which writes without articles before the title and at "
        "temperature 1.5; the paper's is its smallest. Absent: no test",
    )
    ratings: Address | None = Field(
        None, description="JSONL of what people answered: the files that the pages of `millrace quiz` export"
    )
