"""A licence as SPDX writes it: ids of its list, joined by AND, OR and WITH, or a LicenseRef- of one's own.

https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/
"""

import re
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator

OWN = re.compile(r"(DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+")


def _expression(text: str) -> str:
    """As SPDX spells it: `cc-by-sa-4.0 and mit` is CC-BY-SA-4.0 AND MIT."""
    from license_expression import ExpressionError

    licensing = _list()
    try:
        parsed = licensing.parse(text, strict=True)
    except ExpressionError as error:
        raise ValueError(f"no SPDX expression: {error}") from None
    if parsed is None:
        raise ValueError("no SPDX expression: it is empty; leave the key out where no licence is known")
    unknown = [key for key in licensing.unknown_license_keys(parsed) if not OWN.fullmatch(key)]
    if unknown:
        raise ValueError(
            f"{', '.join(unknown)} is no id of SPDX's list (https://spdx.org/licenses); a licence that is not in it is "
            f"named by an id of your own, such as LicenseRef-Common-Crawl-Terms"
        )
    return str(parsed)


def ids(licence: str) -> list[str]:
    """The licences and exceptions that an expression names, once each, in its order."""
    return [str(key) for key in _list().license_keys(licence, unique=True)]


@cache
def _list() -> Any:
    from license_expression import get_spdx_licensing  # .1 s of reading, which a pipeline without licences doesn't pay

    return get_spdx_licensing()


Licence = Annotated[str, AfterValidator(_expression)]
