"""MiniStack's application without its own EventBridge scheduler, which follows the machine's time.

The gateway fires schedules, by the local cloud's clock; with both, each would fire twice.
"""

from ministack.services import eventbridge

eventbridge.start_scheduler = lambda: None

from ministack.app import app  # noqa: E402,F401
