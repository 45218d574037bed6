"""Headings for what detectors measure, where the number's own name says too little to a reviewer."""

from __future__ import annotations

from app.console import words

LABELS: dict[str, str] = {
    "alone": "single questions",
    "answer_forms": "forms of its answers",
    "answer_size": "length of its answers",
    "answer_taken": "text taken with each request",
    "answer_to_prompt": "answers beside their prompts",
    "asked_apart": "reasoning asked for in single requests",
    "closed_answers": "labels and numbers as answers",
    "end_users": "end users named",
    "episodes": "steps after tools' results",
    "examination_items": "items of public tests",
    "fanned_out": "sealed reasoning in several conversations",
    "fanned_out_asked": "sealed reasoning asked to be written out",
    "graded_items": "texts graded",
    "greedy": "temperature 0",
    "hours_to_full": "time to full speed",
    "in_flight": "requests at the same time",
    "level_kept": "evenness over the hours",
    "listed_repeats": "listed items sent again",
    "material_asked": "training material asked for",
    "mix_distance": "change of its mix of models",
    "multi_turn": "conversations",
    "new_content": "new content in the same wording",
    "new_words": "new words in each prompt",
    "no_longer": "answers no longer than the text sent",
    "one_frame": "one wording by itself",
    "open_answers": "answers in free text",
    "other_habits": "habits unlike its former ones",
    "others_signatures": "sealed reasoning of other accounts",
    "pace_spread": "evenness of its pace",
    "part": "requests that are compared",
    "plan_ratio": "tokens on its busiest day",
    "presented": "sealed reasoning sent",
    "reasoning_text": "length of its reasoning",
    "refused_variants": "refused wordings of one prompt",
    "repeats": "prompts sent again",
    "room_left": "room left under its limit",
    "size_spread": "spread of its answers' sizes",
    "structured": "short records in a fixed format",
    "taken_over": "requests that others were refused",
    "tasks_asked": "tasks asked for",
    "template_share": "same wording",
    "training_items": "items of public training lists",
    "volume_kept": "steadiness of its volume",
    "winner_sent": "answered requests like the refused ones",
}


def label(feature: str) -> str:
    """What a measured number is called: `hours_to_full` is `time to full speed`."""
    return LABELS.get(feature, words.words(feature))
