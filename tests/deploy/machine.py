"""A machine of its own: this Debian with changes that are thrown away, its own processes, and a
network that ends at loopback. `apt-get` installs what is on this machine already or a file;
`systemctl` starts the command of a unit as its user, where only its folders can be written."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.servers import wait_until

ROOT = Path(__file__).parents[2]
_STAND_INS = Path(__file__).with_name("stand_ins")
_SETUP = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs {folder}
mkdir {folder}/upper {folder}/work {folder}/root
mount -t overlay overlay -o lowerdir=/,upperdir={folder}/upper,workdir={folder}/work {folder}/root
mount --rbind /dev {folder}/root/dev
mount -t proc proc {folder}/root/proc
for name in tmp run; do mount -t tmpfs -o mode=1777 tmpfs {folder}/root/$name; done
ip link set lo up
touch {folder}/root/run/ready
exec sleep infinity
"""


class Machine:
    """Begin with `start`, and end with `stop`, which ends every process of the machine."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._pid = 0

    def start(self) -> None:
        spaces = ["unshare", "--mount", "--pid", "--net", "--ipc", "--fork", "--kill-child"]
        setup = _SETUP.format(folder=self._folder)
        self._process = subprocess.Popen([*spaces, "sh", "-c", setup])
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        wait_until(lambda: children.read_text().split(), what="the first process of the machine")
        self._pid = int(children.read_text().split()[0])
        ready = Path(f"/proc/{self._pid}/root{self._folder}/root/run/ready")
        wait_until(ready.exists, what="the machine")
        for stand_in in _STAND_INS.iterdir():
            self.put(f"/usr/local/sbin/{stand_in.name}", stand_in.read_text(), 0o755)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder)

    @property
    def root(self) -> Path:
        """The machine's root folder as this process sees it."""
        return Path(f"/proc/{self._pid}/root{self._folder}/root")

    def put(self, path: str, content: str, mode: int = 0o644) -> None:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
        target.chmod(mode)

    def run(self, script: str, cwd: str = "/root") -> subprocess.CompletedProcess[str]:
        """Run lines of shell as root, up to the first that fails."""
        where = ["--target", str(self._pid), "--mount", "--pid", "--net", "--ipc"]
        inside = ["chroot", str(self._folder / "root"), "sh", "-exc", f"cd {cwd}\n{script}"]
        return subprocess.run(
            ["nsenter", *where, *inside],
            env={"PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"},
            capture_output=True,
            text=True,
            check=False,
            timeout=170,
        )


def can_make_machines() -> bool:
    """Whether this user may make name spaces and mounts: only root may."""
    return os.geteuid() == 0
