"""Fields whose names come in another letter case: servers in Go and .NET take them for the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Fields = Mapping[str, Any]


class Names:
    """Known names, and what an object has by them."""

    def __init__(self, *names: str) -> None:
        self._exact = frozenset(names)
        self._folded = {name.casefold(): name for name in names}  # as Go has it: the long s is an s, too

    def of(self, fields: Fields) -> Fields:
        """`fields`, where a known name stands for what only another case of it has; the object itself as a rule."""
        if fields.keys() <= self._exact:
            return fields
        found: dict[str, Any] = {}
        for key, value in fields.items():
            known = None if key in self._exact else self._folded.get(key.casefold())
            if known is not None and fields.get(known) in (None, [], ""):
                found[known] = value
        return {**fields, **found} if found else fields

    def last(self, fields: Fields) -> Fields:
        """The same by Go's rule: of several names that are one the last one's value counts."""
        if fields.keys() <= self._exact:
            return fields
        return {self._folded.get(key.casefold(), key): value for key, value in fields.items()}


REQUEST: Final = Names(
    *("model", "messages", "prompt", "input", "suffix", "stream", "stream_options", "stop", "seed", "n", "best_of"),
    *("max_tokens", "max_completion_tokens", "max_output_tokens", "temperature", "top_p", "logprobs", "top_logprobs"),
    *("presence_penalty", "frequency_penalty", "tools", "functions", "tool_choice", "response_format", "metadata"),
    *("structured_outputs", "guided_json", "guided_regex", "guided_choice", "guided_grammar", "user"),
    *("safety_identifier", "include_reasoning", "chat_template_kwargs", "thinking", "instructions", "text", "include"),
    *("previous_response_id", "conversation", "reasoning", "background", "system", "output_config", "output_format"),
    *("contents", "systemInstruction", "system_instruction", "generationConfig", "generation_config", "content"),
    *("requests", "instances", "batch", "options", "format", "think"),
)
MESSAGE: Final = Names("role", "content", "tool_calls", "function_call", "parts", "name", "type", "id", "tool_call_id")
PART: Final = Names("type", "text", "refusal", "thinking")
CONFIG: Final = Names(
    *("temperature", "topP", "top_p", "seed", "logprobs", "responseLogprobs", "response_logprobs", "candidateCount"),
    *("candidate_count", "maxOutputTokens", "max_output_tokens", "responseSchema", "response_schema"),
    *("responseJsonSchema", "response_json_schema", "responseMimeType", "response_mime_type", "thinkingConfig"),
    *("thinking_config", "num_predict"),
)
