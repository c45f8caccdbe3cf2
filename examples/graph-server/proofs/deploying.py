"""The files and commands of DEPLOYING.md, run in a folder that stands for the machine. Only systemd is not the real one."""

import os
import re
import shlex
import signal
import socket
import subprocess
from pathlib import Path

import tokens
from service import NATS, SERVER, Process, free_port, wait_until

PAGE = (Path(__file__).parent.parent / "DEPLOYING.md").read_text()
PORTS = ("443", "4222", "8080", "8081", "8082", "8083")
FOLDERS = ("etc/systemd/system", "etc/nginx/conf.d", "etc/nats", "usr/local/bin", "var/lib/presence", "var/lib/nats",
           "var/backups", "target/release", "run")
# Programs that the page uses and Debian does not have.
TOOLS = Path(__file__).parent / ".tools"
# These change the real machine.
NOT_HERE = ("adduser", "apt-get")


def file(path):
    """A file of the page."""
    return re.search(rf"^`{re.escape(path)}`.*?\n\n```\w*\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[1]


def commands(section):
    """The blocks of commands of a section of the page."""
    text = re.search(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]
    return re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


class Machine:
    """A machine with folders, ports and services of its own."""

    def __init__(self, folder, **ports):
        self.folder, self.services = folder, {}
        self.ports = {port: free_port() for port in PORTS} | {name.lstrip("_"): port for name, port in ports.items()}
        for name in FOLDERS:
            (folder / name).mkdir(parents=True)
        (folder / "target/release/presence-graph-server").symlink_to(Path(SERVER).resolve())
        tokens.flags(folder, "jwks")[1].rename(folder / "jwks.json")
        self.certificate = folder / "etc/nginx/presence.crt"
        self.url = f"https://localhost:{self.ports['443']}"

    def here(self, text):
        """Text of the page with the paths, ports and names of this machine."""
        text = re.sub(r"(?<![\w.}])/(etc|var|usr/local)/", rf"{self.folder}/\1/", text)
        text = re.sub(rf"\b({'|'.join(PORTS)})\b", lambda port: str(self.ports[port[0]]), text)
        text = text.replace("https://presence.example", self.url).replace("presence.example", "localhost")
        return text.replace("https://login.example/tenant/v2.0", tokens.ISSUER)

    def write(self, path, text=None):
        """Writes a file of the page."""
        (self.folder / path.lstrip("/")).write_text(self.here(text or file(path)))

    def run(self, block):
        """Runs commands of the page, and returns what they print."""
        said = ""
        token = tokens.application(key=tokens.RSA_KEY, algorithm="RS256", kid="rsa")
        environment = os.environ | {"TOKEN": token, "PATH": f"{TOOLS}:{os.environ['PATH']}"}
        for line in self.here(block).splitlines():
            program, *arguments = shlex.split(line)
            if program == "systemctl":
                self.systemctl(*arguments)
            elif program not in NOT_HERE:
                line = line.replace("nginx -t", shlex.join(["nginx", "-t", *self.nginx()]))
                done = subprocess.run(["bash", "-euo", "pipefail", "-c", line], cwd=self.folder, env=environment, text=True,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                said += done.stdout
                assert done.returncode == 0, f"{line}: {said}"
        return said

    def systemctl(self, verb, *names):
        for name in names:
            match verb:
                case "enable" | "start" if name != "--now":
                    self.start(name)
                case "stop" if self.services[name].is_running():
                    assert self.services[name].stop() == 0, self.services[name].said()
                case "restart":
                    self.systemctl("stop", name)
                    self.start(name)
                case "freeze":
                    self.services[name].signal(signal.SIGSTOP)
                    status = Path(f"/proc/{self.services[name].process.pid}/status")
                    wait_until(lambda: "State:\tT" in status.read_text(), what="freezing")
                case "thaw":
                    self.services[name].signal(signal.SIGCONT)
                case "reload":
                    process = self.services[name].process.pid
                    children = lambda: set(Path(f"/proc/{process}/task/{process}/children").read_text().split())
                    old = children()
                    self.services[name].signal(signal.SIGHUP)
                    # A worker of nginx that ends would drop the next connection.
                    wait_until(lambda: not old & children(), what="ending the old workers")

    def start(self, name):
        """Starts a service, and waits until it listens."""
        match name.partition("@"):
            case "nginx", _, _:
                command, port = ["nginx", "-g", "daemon off;", *self.nginx()], self.ports["443"]
            case "nats", _, _:
                command, port = [NATS, "-c", self.folder / "etc/nats/nats.conf"], self.ports["4222"]
            case _, at, instance:
                command, port = self.exec_start(f"presence{at}.service", instance), int(instance or self.ports["8080"])
        service = self.services[name] = Process(self.folder / "run" / name, *command).start()

        def listens():
            assert service.is_running(), service.said()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        wait_until(listens, 60, f"{name} is listening")

    def exec_start(self, unit, instance):
        """The command of a unit, with what systemd puts into it."""
        text = (self.folder / "etc/systemd/system" / unit).read_text().replace("\\\n", "")
        line = re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)[1].replace("%i", instance)
        return shlex.split(line)

    def nginx(self):
        """What Debian's /etc/nginx/nginx.conf says, as far as it matters here."""
        run, main = self.folder / "run", self.folder / "run/nginx.conf"
        temporary = "".join(f"{kind}_temp_path {run}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        main.write_text(f"user root; worker_processes 2; pid {run}/nginx.pid; events {{ worker_connections 768; }}\n"
                        f"http {{ access_log off; {temporary} include {self.folder}/etc/nginx/conf.d/*.conf; }}\n")
        return ["-p", str(run), "-c", str(main), "-e", "stderr"]

    def end(self):
        for service in self.services.values():
            if service.is_running():
                service.signal(signal.SIGCONT)
                service.stop()
        # It is large, and pytest keeps the folder.
        (self.folder / "usr/local/bin/presence-graph-server").unlink(missing_ok=True)
