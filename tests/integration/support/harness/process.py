"""Child processes with captured logs, and waiting for conditions."""
import contextlib
import fcntl
import os
import random
import re
import resource
import signal
import socket
import subprocess
import threading
import time

# Everything is slower under sanitizers on a small, busy machine: deadlines are generous, waits end early.
PATIENCE = float(os.environ.get("F2M_TEST_PATIENCE", "1"))
SANITIZER = re.compile(r"ERROR: (Address|Leak|Thread)Sanitizer|runtime error: ")


def until(condition, timeout=15, what=None, every=0.02):
    """Polls until condition() gives something true, and returns that; an AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            text = what() if callable(what) else what or getattr(condition, "__doc__", None) or "a condition"
            raise AssertionError(f"waited {timeout} s in vain for {text}; last: {value!r}")
        time.sleep(every)


def free_port():
    """A port that nothing listens on now, and that no connection gets meanwhile: those get ports from 32768 on."""
    while True:
        port = random.randrange(10000, 32768)
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port


class Process:
    """A child process; its output is collected line by line while it runs. Ends with the `with` block. `unread`: nobody
    reads its output until listen() or deafen(); the pipe is full after a line."""

    live = []  # those of the present test, for the report when it fails (conftest.py)

    def __init__(self, name, argv, env=None, cwd=None, unread=False):
        self.name = name
        self.lines = []
        self.child = subprocess.Popen(
            [str(a) for a in argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pipesize=resource.getpagesize() if unread else -1,
            env=env,
            cwd=cwd,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        if not unread:
            self._reader.start()
        Process.live.append(self)

    def listen(self):
        """Reads what was left unread, and goes on."""
        fcntl.fcntl(self.child.stdout, fcntl.F_SETPIPE_SZ, 1 << 16)
        self._reader.start()

    def deafen(self):
        """From now on nobody can read the output: writing it ends with EPIPE."""
        self.child.stdout.close()

    def _read(self):
        if not self.child.stdout.closed:
            for line in self.child.stdout:
                self.lines.append(line.rstrip("\n"))

    def _drain(self):
        """To the end of what an ended process wrote."""
        if not self._reader.ident:
            self._reader.start()
        self._reader.join(2)

    @property
    def pid(self):
        return self.child.pid

    def log(self):
        return "\n".join(self.lines)

    def running(self):
        return self.child.poll() is None

    def find(self, pattern, since=0):
        """The first match of a regular expression in a line of the log, from line `since` on."""
        for line in self.lines[since:]:
            match = re.search(pattern, line)
            if match:
                return match
        return None

    def wait_log(self, pattern, timeout=15, since=0):
        """Waits for a line; says what the log was, and whether the process has ended, where none comes."""

        def seen():
            match = self.find(pattern, since)
            if not match and not self.running():
                self._drain()
                match = self.find(pattern, since)
                assert match, f"{self.name} ended with {self.child.returncode} before /{pattern}/:\n{self.log()}"
            return match

        return until(seen, timeout, lambda: f"/{pattern}/ in the log of {self.name}:\n{self.log()}")

    def signal(self, number):
        self.child.send_signal(number)

    def pause(self):
        """Half-open: the sockets stay, nothing answers."""
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def wait(self, timeout=10):
        """The exit code; an AssertionError where it does not end in time."""
        try:
            code = self.child.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} does not end within {timeout} s:\n{self.log()}") from None
        self._drain()
        return code

    def terminate(self, timeout=10):
        """SIGTERM, and the exit code."""
        if self.running():
            self.resume()
            self.child.terminate()
        return self.wait(timeout)

    def kill(self):
        """As a power cut: no last words."""
        if self.running():
            self.child.kill()
        self.child.wait()
        self._drain()

    def limit(self, what, soft=None):
        """A resource.RLIMIT_… of the running process; None = as much as it may have."""
        _, hard = resource.prlimit(self.pid, what)
        resource.prlimit(self.pid, what, (hard if soft is None else soft, hard))

    def cpu_s(self):
        """Seconds of processor time so far."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as f:
            user, system = f.read().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def memory_kb(self, field="VmRSS"):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
            return int(re.search(rf"^{field}:\s+(\d+) kB", f.read(), re.M).group(1))

    def private_dirty_kb(self):
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="ascii") as f:
            return int(re.search(r"^Private_Dirty:\s+(\d+) kB", f.read(), re.M).group(1))

    def bytes_written(self):
        """What it caused to be written to disk so far."""
        with open(f"/proc/{self.pid}/io", encoding="ascii") as f:
            return int(re.search(r"^write_bytes: (\d+)", f.read(), re.M).group(1))

    def check_sanitizers(self):
        assert not SANITIZER.search(self.log()), f"{self.name}: a sanitizer found something:\n{self.log()}"

    def close(self):
        """Ends it whatever state it is in; complains about what a sanitizer found."""
        if self.running():
            self.resume()
            self.child.terminate()
            try:
                self.child.wait(5)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        self._drain()
        self.check_sanitizers()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
