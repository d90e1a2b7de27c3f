"""A throw-away certificate authority, made with the openssl command."""
import subprocess


def openssl(*args, folder):
    done = subprocess.run(["openssl", *map(str, args)], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"openssl {args}: {done.stderr}"
    return done.stdout


class Authority:
    """Signs certificates for one test. `certificate` is the CA file that clients trust."""

    def __init__(self, folder, name="F2M test CA"):
        self.folder = folder / name.replace(" ", "-")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.certificate = self.folder / "ca.pem"
        self.key = self.folder / "ca.key"
        openssl(
            *"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split(),
            *("-subj", f"/CN={name}", "-keyout", self.key, "-out", self.certificate),
            *("-addext", "basicConstraints=critical,CA:true", "-addext", "keyUsage=critical,keyCertSign,cRLSign"),
            folder=self.folder,
        )

    def issue(self, name, alternatives="IP:127.0.0.1,DNS:localhost", days=2):
        """(certificate, key) for a name; a negative number of days gives one that has expired."""
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        openssl(
            *"req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes".split(),
            *("-subj", f"/CN={name}", "-keyout", key, "-out", request),
            folder=self.folder,
        )
        extensions.write_text(f"subjectAltName={alternatives}\nextendedKeyUsage=serverAuth,clientAuth\n")
        openssl(
            *("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial"),
            *("-days", days, "-extfile", extensions, "-out", certificate),
            folder=self.folder,
        )
        return certificate, key
