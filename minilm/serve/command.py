"""`python -m minilm serve RUN`"""

import os
import sys
from argparse import Namespace

from . import server
from .handler import is_loopback
from .limits import Limits
from .served import load

API_KEY = "MINILM_API_KEY"  # not an argument: those can be read by all users of a machine


def run(options: Namespace) -> None:
    """Answer the requests of OpenAI's clients, until Ctrl-C."""
    key = os.environ.get(API_KEY) or None
    served, limits = load(options.run_or_name), Limits(together=options.together)

    def ready(address):
        print(
            f"{served.name} answers at {address}; OpenAI's clients take base_url={address}/v1. Ctrl-C ends it.",
            flush=True,
        )
        if not key and not is_loopback(options.host):
            print(f"Whoever reaches this machine may use it: set {API_KEY} to ask for a key.", file=sys.stderr)

    server.serve(served, ready=ready, host=options.host, port=options.port, key=key, limits=limits)
