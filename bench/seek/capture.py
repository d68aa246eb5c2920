"""Records a driven program in a pseudo-terminal: capture.py OUT COLSxROWS STEPS.json COMMAND...

STEPS: list of [seconds to wait, what to type] or [seconds to wait, [cols, rows]].
OUT: lines [microseconds, "o", base64] and [microseconds, "r", [cols, rows]].
"""
import base64, fcntl, json, os, pty, select, struct, sys, termios, time

out, size, steps, command = sys.argv[1], sys.argv[2], json.load(open(sys.argv[3])), sys.argv[4:]
cols, rows = map(int, size.split("x"))
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(TERM="xterm-256color", LANG="C.UTF-8", LC_ALL="C.UTF-8", PS1="alice@jump1:\\w$ ", HOME="/tmp/capture-home")
    os.makedirs("/tmp/capture-home", exist_ok=True)
    os.chdir("/tmp/capture-home")
    time.sleep(0.1)  # until the size is set
    os.execvp(command[0], command)


def resize(c, r):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", r, c, 0, 0))


resize(cols, rows)
start = time.monotonic()
lines = [[0, "r", [cols, rows]]]


def read_until(deadline):
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([fd], [], [], left)[0]:
            return True
        try:
            data = os.read(fd, 65536)
        except OSError:
            return False
        if not data:
            return False
        lines.append([int((time.monotonic() - start) * 1e6), "o", base64.b64encode(data).decode()])
    return True


for wait, what in steps + [[1, ""]]:
    if not read_until(time.monotonic() + wait):
        break
    if isinstance(what, list):
        resize(*what)
        lines.append([int((time.monotonic() - start) * 1e6), "r", what])
    else:
        os.write(fd, what.encode())
try:
    os.kill(pid, 9)
except OSError:
    pass
os.waitpid(pid, 0)
with open(out, "w") as file:
    for line in lines:
        file.write(json.dumps(line) + "\n")
