"""The whole hot side under long traffic: a model API of our own, callers that leave, and what the processes hold."""
