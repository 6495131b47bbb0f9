"""Runs MiniStack in a process group of its own and ends the whole group when stdin closes.

Whoever started this holds the other end of stdin. However that process ends, SIGKILL included, the kernel closes
the pipe and nothing stays behind: not MiniStack, and not the functions it runs, which outlive it on SIGTERM.

Arguments: the private folder to remove at the end, then the command. Says "pid N" and "exited N" on stdout.
"""

import os
import resource
import shutil
import signal
import subprocess
import sys
import threading


def say(line):
    try:
        print(line, flush=True)
    except OSError:
        pass  # Nobody listens any more; stdin tells the same in a moment.


def kill_group(group):
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass  # Already gone; macOS says "not permitted" of a group of zombies.


def allow_many_connections():
    """MiniStack's own start-up does this; started through hypercorn it would stay at 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError):
        pass


def main():
    folder, command = sys.argv[1], sys.argv[2:]
    # Ctrl-C and the like are for the holder of stdin to decide. A handler, not SIG_IGN: exec would pass that on.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    allow_many_connections()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=2, stderr=2, start_new_session=True)
    say(f"pid {child.pid}")

    def watch():
        status = child.wait()
        kill_group(child.pid)
        say(f"exited {status}")

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    while True:
        if not os.read(0, 1024):
            break
    kill_group(child.pid)
    watcher.join(10)
    shutil.rmtree(folder, ignore_errors=True)


main()
