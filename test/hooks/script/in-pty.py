"""Runs a program in a pty of its own and prints {"outputB64", "exitCode", "raw"} when it has ended; raw: the terminal was left so.

stdin: {"argv": [...], "env": {...}, "rows": n, "cols": n, "steps": [{"waitFor": text} | {"typed": text} |
{"resize": [rows, cols]} | {"run": argv, where $PID is that of the program}]}.
A text that is not seen within 60 s ends all with exit code 3.
"""
import base64, fcntl, json, os, pty, select, signal, struct, subprocess, sys, termios, time

plan = json.load(sys.stdin)
output = b""
seen = 0
is_open = True


def set_size(fd, rows, cols):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


def read(limit_s):
    global output, is_open
    if not select.select([master], [], [], max(0, limit_s))[0]:
        return
    try:
        data = os.read(master, 65536)
    except OSError:
        data = b""
    if not data:
        is_open = False
    output += data


master, slave = pty.openpty()
set_size(master, plan.get("rows", 24), plan.get("cols", 80))
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(slave, fd)
    os.close(slave)
    os.close(master)
    own = {name: value for name, value in os.environ.items() if not name.startswith("BARTIZAN_")}
    os.execvpe(plan["argv"][0], plan["argv"], {**own, **plan.get("env", {})})
# The slave stays open here, so that the terminal's mode can be read when all is over.
for step in plan["steps"]:
    if "waitFor" in step:
        text, end = step["waitFor"].encode(), time.monotonic() + 60
        while text not in output[seen:]:
            if not is_open or time.monotonic() > end:
                sys.stderr.write("not seen: %r in %r" % (text, output[-2000:]))
                os.kill(pid, signal.SIGKILL)
                sys.exit(3)
            read(0.1)
        seen = output.index(text, seen) + len(text)
    elif "typed" in step:
        os.write(master, step["typed"].encode())
    elif "resize" in step:
        set_size(master, *step["resize"])
    elif "run" in step:
        subprocess.run([word.replace("$PID", str(pid)) for word in step["run"]], check=True)
end = time.monotonic() + 60
status = 0
while time.monotonic() < end:
    read(0.05)
    done, status = os.waitpid(pid, os.WNOHANG)
    if done:
        break
else:
    os.kill(pid, signal.SIGKILL)
    sys.exit("the program did not end")
while select.select([master], [], [], 0)[0]:
    read(0)
raw = not termios.tcgetattr(slave)[3] & termios.ICANON
print(json.dumps({"outputB64": base64.b64encode(output).decode(), "exitCode": os.waitstatus_to_exitcode(status), "raw": raw}))
