"""One entry for every dialect; a batch upload counts each of its lines."""

from __future__ import annotations

from app.dialects.paths import recognise
from app.dialects.requests import read
from app.dialects.values import MESSAGES_LIMIT
from detectors.exchange import Dialect, Message, Operation


def test_each_dialect():
    chat = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    for path, dialect, operation, body in (
        ("/v1/chat/completions", Dialect.OPENAI, Operation.CHAT, chat),
        ("/v1/messages", Dialect.ANTHROPIC, Operation.CHAT, chat),
        ("/v1/responses", Dialect.OPENAI, Operation.RESPONSE, {"model": "m", "input": "Hi"}),
        ("/v1/models/m:generateContent", Dialect.GEMINI, Operation.CHAT, {"contents": "Hi"}),
        ("/v1/completions", Dialect.OPENAI, Operation.COMPLETION, {"model": "m", "prompt": "Hi"}),
    ):
        fields = read(recognise("POST", path), body)
        assert fields is not None
        assert (fields["dialect"], fields["operation"], fields["model"]) == (dialect, operation, "m")
        assert fields["messages"] == (Message("user", "Hi"),)


def test_what_is_no_request_is_none():
    assert read(recognise("POST", "/v1/chat/completions"), None) is None
    assert read(recognise("POST", "/v1/chat/completions"), "text") is None
    assert read(recognise("GET", "/v1/models"), {}) is None
    assert read(recognise("POST", "/v1/files"), {"purpose": "batch"}) is None


def test_a_batch_counts_its_lines():
    lines = [
        {
            "url": "/v1/chat/completions",
            "body": {"model": "m", "temperature": 0.3, "messages": [{"role": "user", "content": "a"}]},
        },
        {
            "url": "/v1/chat/completions",
            "body": {"model": "m", "temperature": 0.3, "messages": [{"role": "user", "content": "b"}]},
        },
        {"url": "/v1/embeddings", "body": {"model": "m", "input": ["c", "d"]}},
        {"url": "/v1/unknown"},
        "rubbish",
    ]
    fields = read(recognise("POST", "/v1/files"), {"_batch_requests": lines})
    assert fields is not None
    assert fields["prompts"] == 6
    assert fields["operation"] == Operation.BATCH
    assert (fields["model"], fields["temperature"]) == ("m", 0.3)
    assert [message.text for message in fields["messages"]] == ["a", "b", "c", "d"]
    assert read(recognise("POST", "/v1/files"), {"_batch_requests": ["rubbish"]}) is None


def test_lines_that_name_no_path_are_told_by_their_fields():
    chat = {"custom_id": "0", "body": {"max_tokens": 9, "messages": [{"role": "user", "content": "a"}]}}
    lines = [chat, {"body": {"prompt": "b", "suffix": "c"}}, {"body": {"input": ["d", "e"]}}, {"body": {"document": 1}}]
    fields = read(recognise("POST", "/v1/files"), {"_batch_requests": [*lines, {"body": 5}, {}, {**chat, "url": None}]})
    assert fields is not None
    assert (fields["prompts"], fields["max_tokens"]) == (8, None)  # as most lines have it
    assert [message.text for message in fields["messages"]] == ["a", "bc", "d", "e"]


def job(*bodies, **fields):
    body = {"model": "m", "requests": [{"custom_id": str(k), "body": body} for k, body in enumerate(bodies)], **fields}
    return read(recognise("POST", "/v1/batch/jobs"), body)


def test_a_job_with_its_requests_inside_is_read_as_an_upload_of_them_is():
    chats = [{"max_tokens": 9, "messages": [{"role": "user", "content": text}]} for text in "abc"]
    lines = [{"body": {**chat, "model": "m"}} for chat in chats]
    found = job(*chats, endpoint="/v1/chat/completions", timeout_hours=24)
    assert found == read(recognise("POST", "/v1/files"), {"_batch_requests": lines})
    assert (found["prompts"], found["begins"], found["operation"]) == (3, (0, 1, 2), Operation.BATCH)
    assert found == job(*chats)  # the fields tell, where the path of all lies in a gap of the copy
    vectors = job({"input": ["a", "b"]}, {"input": "c"}, endpoint="/v1/embeddings")
    assert (vectors["prompts"], vectors["operation"]) == (3, Operation.EMBEDDING)
    filled = job({"prompt": "a", "suffix": "b"}, endpoint="/v1/fim/completions")
    assert filled["messages"] == (Message("user", "ab"),)
    many = job(*[{"messages": [{"role": "user", "content": str(k)}]} for k in range(MESSAGES_LIMIT + 9)])
    assert (many["prompts"], len(many["messages"])) == (MESSAGES_LIMIT + 9, MESSAGES_LIMIT)


def test_a_job_of_which_nothing_is_read_counts_its_requests():
    assert job({"document": 1}, {"document": 2}, endpoint="/v1/ocr")["prompts"] == 2
    assert job({"input": "a"}, endpoint="/v1/moderations")["messages"] == ()
    assert job()["prompts"] == 0
    assert job("rubbish", requests=["rubbish", {"body": None}])["prompts"] == 2


def test_lines_are_taken_of_uploads_alone():
    body = {"_batch_requests": [{"url": "/v1/embeddings", "body": {"input": "x"}}], "messages": []}
    fields = read(recognise("POST", "/v1/chat/completions"), body)
    assert fields is not None
    assert (fields["operation"], fields["messages"]) == (Operation.CHAT, ())


def test_a_batch_of_a_file_and_a_count_ask_for_nothing_new():
    fields = read(recognise("POST", "/v1/batches"), {"input_file_id": "f", "endpoint": "/v1/chat/completions"})
    assert fields is not None
    assert (fields["operation"], fields["prompts"]) == (Operation.BATCH, 0)
    fields = read(recognise("POST", "/v1/batch/jobs"), {"input_files": ["f"], "model": "m"})
    assert fields is not None
    assert (fields["operation"], fields["prompts"], fields["model"]) == (Operation.BATCH, 0, "m")
    assert read(recognise("POST", "/v1/batch/jobs"), {"input_files": [], "model": "m"}) is None
    fields = read(recognise("POST", "/v1/messages/count_tokens"), {"model": "m", "messages": [{"content": "Hi"}]})
    assert fields is not None
    assert (fields["operation"], fields["prompts"], fields["messages"]) == (Operation.COUNT, 0, ())


def test_fetching_a_response_needs_no_body():
    for body in (None, {"model": "m"}):
        fields = read(recognise("GET", "/v1/responses/resp_1?stream=true"), body)
        assert fields is not None
        assert (fields["operation"], fields["prompts"], fields["stream"]) == (Operation.RETRIEVAL, 0, True)
        assert (fields["model"], fields["messages"]) == ("", ())
