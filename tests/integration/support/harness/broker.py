"""A private mosquitto: plain or TLS, with or without passwords, with or without access control."""
import os
import shutil
import subprocess

from harness.process import Process, free_port, until

BINARY = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:" + os.environ.get("PATH", ""))


class Broker:
    """`users` is {name: password}; `acl` the text of an ACL file; `tls` an Authority; `client_certificates` demands
    them. The port is kept over restarts, so that clients come back."""

    def __init__(self, folder, users=None, acl=None, tls=None, client_certificates=False, extra=()):
        assert BINARY, "mosquitto is missing; script/bootstrap installs it"
        self.folder = folder / "broker"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.users, self.tls = users or {}, tls
        self.options = list(extra)
        if self.users:
            self._write_passwords()
        if acl:
            self._private("acl", acl)
            self.options.append(f"acl_file {self.folder}/acl")
        if tls:
            certificate, key = tls.issue("broker")
            self.options += [f"cafile {tls.certificate}", f"certfile {certificate}", f"keyfile {key}"]
            self.options.append(f"require_certificate {str(client_certificates).lower()}")
        self.port = None
        self.process = None
        self.start()

    def _private(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def _write_passwords(self):
        path = self._private("passwords", "".join(f"{n}:{p}\n" for n, p in self.users.items()))
        subprocess.run(["mosquitto_passwd", "-U", str(path)], check=True)
        self.options.append(f"password_file {path}")

    def _config(self, port):
        lines = [
            f"listener {port} 127.0.0.1",
            *self.options,
            f"allow_anonymous {'false' if self.users else 'true'}",
            "persistence false",
            "log_dest stderr",
            "log_type all",
            "connection_messages true",
        ]
        if os.getuid() == 0:
            lines.append("user root")  # else mosquitto becomes a user who may not read this folder
        return self._private("mosquitto.conf", "\n".join(lines) + "\n")

    def start(self):
        """Returns when connections are accepted. A lost race for a free port is run again with another one."""
        for _ in range(5):
            port = self.port or free_port()
            process = Process("broker", [BINARY, "-c", self._config(port)])
            until(lambda: process.find("running$") or not process.running(), what="mosquitto to listen")  # noqa: B023
            if process.running():
                self.port, self.process = port, process
                return
            process.kill()
            in_use = process.find("Address already in use")
            assert in_use and not self.port, f"mosquitto does not start:\n{process.log()}"
        raise AssertionError("found no free port for mosquitto")

    def stop(self):
        self.process.terminate()

    def kill(self):
        self.process.kill()

    def restart(self):
        """With an empty store: persistence is off."""
        self.stop()
        self.start()

    def pause(self):
        self.process.pause()

    def resume(self):
        self.process.resume()

    @property
    def url(self):
        return f"{'mqtts' if self.tls else 'mqtt'}://127.0.0.1:{self.port}"

    def wait_log(self, pattern, timeout=15, since=0):
        return self.process.wait_log(pattern, timeout, since)

    def close(self):
        self.process.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
