"""What a request may say: the parameters of OpenAI's interface, what each must be, and what is not understood.

A parameter that would change the answer and is not understood is refused, not passed over. null is as if it were
missing.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from .answer import Settings
from .limits import Limits

LONGEST_STOP = 256  # characters
MOST_TOP = 20  # likeliest tokens that are told


class BadRequest(Exception):
    """A request that cannot be answered, and what is wrong with it."""

    def __init__(self, message: str, param: str | None = None, status: int = 400, code: str | None = None):
        super().__init__(message)
        self.param, self.status, self.code = param, status, code


class Parameter(NamedTuple):
    """What a value must be, and what holds if there is none."""

    default: Any
    holds: Callable[[Any], bool]
    expected: str


REQUIRED = object()


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def whole(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value <= most


def number(least: float, most: float) -> Callable[[Any], bool]:
    return lambda value: type(value) in (int, float) and least <= value <= most


def is_stop(value: Any) -> bool:
    strings = [value] if is_text(value) else value
    return isinstance(strings, list) and len(strings) <= 4 and all(
        is_text(string) and 0 < len(string) <= LONGEST_STOP for string in strings
    )  # fmt: skip


def is_ids(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(id) is int for id in value)


def is_prompt(value: Any) -> bool:
    """A text or the ids of one, or a list of several."""
    several = isinstance(value, list) and bool(value) and (all(map(is_text, value)) or all(map(is_ids, value)))
    return is_text(value) or is_ids(value) or several


def is_message(value: Any) -> bool:
    return isinstance(value, dict) and value.get("role") in ROLES and content_of(value) is not None


def content_of(message: dict[str, Any]) -> str | None:
    """The text of a message, which may be in parts; None if it is something else."""
    parts = message.get("content")
    if is_text(parts):
        return parts
    if not isinstance(parts, list) or not all(isinstance(part, dict) and is_text(part.get("text")) for part in parts):
        return None
    return "".join(part["text"] for part in parts)


def plain(message: dict[str, Any]) -> dict[str, str]:
    """A message as templates take it: "developer" is what newer clients call the system."""
    role = message["role"]
    return {"role": "system" if role == "developer" else role, "content": content_of(message)}


ROLES = ("system", "developer", "user", "assistant")


def common(limits: Limits) -> dict[str, Parameter]:
    """The parameters that both interfaces have."""
    n, answer = limits.together, limits.answer
    return {
        "model": Parameter(None, is_text, "the name of a model"),
        "max_tokens": Parameter(None, whole(1, answer), f"a whole number from 1 to {answer}, this server's limit"),
        "temperature": Parameter(1.0, number(0, 2), "a number from 0 to 2: 0 always takes the likeliest token"),
        "top_p": Parameter(1.0, number(0, 1), "a number from 0 to 1: 1 keeps every token"),
        "n": Parameter(1, whole(1, n), f"a whole number from 1 to {n}, this server's limit"),
        "seed": Parameter(None, whole(-(2**63), 2**63 - 1), "a whole number of 64 bits"),
        "stop": Parameter([], is_stop, f"a text, or at most 4 texts, of 1 to {LONGEST_STOP} characters each"),
        "stream": Parameter(False, is_flag, "true or false"),
        "stream_options": Parameter({}, lambda value: isinstance(value, dict), "an object such as include_usage: true"),
    }  # fmt: skip


def completion(limits: Limits) -> dict[str, Parameter]:
    """Those of /v1/completions."""
    shared = common(limits)
    return shared | {
        "max_tokens": shared["max_tokens"]._replace(default=min(16, limits.answer)),  # OpenAI's default
        "prompt": Parameter(REQUIRED, is_prompt, "a text, a list of token ids, or a list of either"),
        "logprobs": Parameter(None, whole(0, MOST_TOP), f"a whole number from 0 to {MOST_TOP}"),
    }


def chat(limits: Limits) -> dict[str, Parameter]:
    """Those of /v1/chat/completions."""
    shared = common(limits)
    messages = f"a list of messages, each with a role of {', '.join(ROLES)} and a text as content"
    return shared | {
        "messages": Parameter(
            REQUIRED, lambda value: isinstance(value, list) and bool(value) and all(map(is_message, value)), messages
        ),
        "max_completion_tokens": shared["max_tokens"]._replace(default=limits.answer),
        "logprobs": Parameter(False, is_flag, "true or false"),
        "top_logprobs": Parameter(0, whole(0, MOST_TOP), f"a whole number from 0 to {MOST_TOP}"),
    }


HARMLESS = {"user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "parallel_tool_calls"}
NEUTRAL = {  # parameters that are not understood, and values with which they would do nothing
    "presence_penalty": [0], "frequency_penalty": [0], "logit_bias": [{}], "best_of": [1], "echo": [False],
    "suffix": [""], "tools": [[]], "functions": [[]], "tool_choice": ["none", "auto"], "modalities": [["text"]],
    "response_format": [{"type": "text"}],
}  # fmt: skip


def parse(body: bytes, table: dict[str, Parameter]) -> dict[str, Any]:
    """The parameters of a request, with defaults for those that are missing.

    Raises
    ------
    BadRequest
        If the body is no JSON object, or a parameter is missing, wrong or not understood.
    """
    try:
        given = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is no JSON in UTF-8 ({error}); send an object of parameters") from error
    if not isinstance(given, dict):
        raise BadRequest("the body is no JSON object; send the parameters by name")
    given = {name: value for name, value in given.items() if value is not None}
    for name in set(given) - set(table) - HARMLESS:
        if given[name] not in NEUTRAL.get(name, []):
            raise BadRequest(f"{name[:80]!r} is not understood here, or not with this value; leave it out", name)
    return {name: _value(name, parameter, given) for name, parameter in table.items()}


def _value(name, parameter, given):
    value = given.get(name, parameter.default)
    if value is REQUIRED:
        raise BadRequest(f"{name} is missing; expected {parameter.expected}", name)
    if name in given and not parameter.holds(value):
        raise BadRequest(f"{name} is {json.dumps(value)[:80]}; expected {parameter.expected}", name)
    return value


def prompts_of(prompt: Any) -> list[str | list[int]]:
    """The prompts of a request, each a text or the ids of one."""
    return prompt if isinstance(prompt, list) and not isinstance(prompt[0], int) else [prompt]


def settings_of(values: dict[str, Any], limits: Limits) -> Settings:
    """How to draw the answers that a request asks for.

    Raises
    ------
    BadRequest
        If they are more than may wait, or more than there is room for until all are told.
    """
    wanted = values["max_tokens"] or values["max_completion_tokens"]
    stop = [values["stop"]] if is_text(values["stop"]) else values["stop"]
    top = values["logprobs"] if "prompt" in values else (values["top_logprobs"] if values["logprobs"] else None)
    taken = {name: values[name] for name in ("temperature", "top_p", "n", "seed")}
    settings = Settings(max_tokens=wanted, stop=tuple(stop), top_logprobs=top, **taken)
    _check_amount(settings, len(prompts_of(values["prompt"])) if "prompt" in values else 1, limits)
    return settings


def _check_amount(settings, prompts, limits):
    if prompts > limits.waiting:
        expected = f"{limits.waiting} at most, this server's limit"
        raise BadRequest(f"the prompt is a list of {prompts:,} prompts; expected {expected}", "prompt")
    told = prompts * settings.n * settings.max_tokens * (1 + (settings.top_logprobs or 0))
    if told > limits.told:
        expected = f"{limits.told:,} at most, this server's limit: fewer answers, max_tokens or logprobs"
        raise BadRequest(
            f"all answers, and the likeliest beside, may be {told:,} tokens; expected {expected}", "max_tokens"
        )
