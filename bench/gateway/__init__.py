"""CPU of the gateway a request, against nginx and an ordinary FastAPI and httpx proxy, in one run."""
