"""One kept-alive HTTP connection; no compression."""

import http.client
import time


class Refused(Exception):
    """An answer that is not a success."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class Client:
    def __init__(self, port, patience=600):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)

    def get(self, target):
        return self._ask("GET", target, None)

    def post(self, target, body=b""):
        return self._ask("POST", target, body)

    def timed_get(self, target):
        """The answer, and the seconds from asking to its last byte."""
        began = time.perf_counter()
        body = self.get(target)
        return body, time.perf_counter() - began

    def close(self):
        self.connection.close()

    def _ask(self, method, target, body):
        self.connection.request(method, target, body)
        answer = self.connection.getresponse()
        text = answer.read()
        if not 200 <= answer.status < 300:
            raise Refused(answer.status,
                          f"{method} {target[:200]}: {answer.status} {text[:300]!r}")
        return text


def answers(port, target):
    """Whether somebody answers there, with success."""
    client = Client(port, patience=2)
    try:
        client.get(target)
        return True
    except (OSError, http.client.HTTPException, Refused):
        return False
    finally:
        client.close()
