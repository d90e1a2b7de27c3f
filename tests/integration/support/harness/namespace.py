"""A network of its own, where names are asked of a server that never answers."""
import ctypes
import os
import socket
import subprocess
import traceback

NEW_MOUNTS, NEW_NETWORK = 0x00020000, 0x40000000


def possible():
    """May this user make namespaces?"""
    return os.getuid() == 0 and subprocess.run(["unshare", "-n", "-m", "ip", "link"], capture_output=True).returncode == 0


def _enter(folder):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_MOUNTS | NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for command in ("mount --make-rprivate /", "ip link set lo up", f"mount --bind {folder}/resolv.conf /etc/resolv.conf"):
        subprocess.run(command.split(), check=True)


def run_without_names(folder, function):
    """function() in a child process on a loopback of its own; name look-ups hang. Its failure is the caller's."""
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:5 attempts:6\n")
    said = folder / "said"
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _enter(folder)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
                silent.bind(("127.0.0.1", 53))
                function()
            code = 0
        except BaseException:  # noqa: BLE001 - handed to the parent as text
            said.write_text(traceback.format_exc())
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert status == 0, said.read_text() if said.exists() else f"the child ended with {status}"
