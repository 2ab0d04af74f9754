"""What a code of a city or a round may be: it stands in addresses and in file names."""

from django.core.exceptions import ValidationError

CODE_LENGTH = 64
#: words that an address of the site uses itself
RESERVED = {".", "..", "new"}


def code_problem(code: str) -> str:
    """What is wrong with a code, as the end of a sentence; empty when nothing is."""
    if not code:
        return "为空"
    if code != code.strip():
        return "前后有空格"
    if len(code) > CODE_LENGTH:
        return f"超过 {CODE_LENGTH} 个字符"
    if "/" in code or "\\" in code or not code.isprintable():
        return "含有斜杠或不可见字符，不能用在网址中"
    return "是系统保留的词，请换一个" if code in RESERVED else ""


def validate_code(code: str) -> None:
    problem = code_problem(code)
    if problem:
        raise ValidationError(f"代码“{code}”{problem}。")
