"""Runs a program in a pty, types into it, and prints what passed as JSON lines {tMs, dir, b64, mode}.

stdin: {"argv": [...], "env": {...}, "rows": n, "cols": n, "steps": [{"typed": base64, "afterMs": n} |
{"waitFor": base64, "limitMs": n}]}. dir: in | out | probe (the mode alone, 10 and 100 ms after output).
The mode of `in` is read just after the write, as an agent would that sees the key only then.
"""
import base64, fcntl, json, os, pty, select, signal, struct, sys, termios, time

def mode_of(fd):
    try:
        flags = termios.tcgetattr(fd)[3]
    except termios.error:
        return "unknown"
    if not flags & termios.ICANON:
        return "raw"
    return "echo" if flags & termios.ECHO else "no_echo"

class Session:
    def __init__(self, plan):
        self.start = time.monotonic()
        self.fresh = b""  # output since the last wait
        self.probes = []
        self.open = True
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(plan.get("env", {}))
            os.execvp(plan["argv"][0], plan["argv"])
        size = struct.pack("HHHH", plan.get("rows", 24), plan.get("cols", 80), 0, 0)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, size)

    def say(self, direction, data, mode):
        at = round((time.monotonic() - self.start) * 1000, 3)
        print(json.dumps({"tMs": at, "dir": direction, "b64": base64.b64encode(data).decode(), "mode": mode}))

    def due_probes(self):
        now = time.monotonic()
        while self.probes and self.probes[0] <= now:
            self.probes.pop(0)
            self.say("probe", b"", mode_of(self.fd))

    def read(self, wait_s):
        if self.probes:
            wait_s = min(wait_s, max(0, self.probes[0] - time.monotonic()))
        if select.select([self.fd], [], [], max(0, wait_s))[0]:
            try:
                data = os.read(self.fd, 4096)
            except OSError:
                data = b""
            if not data:
                self.open = False
                return
            self.fresh = (self.fresh + data)[-65536:]
            self.say("out", data, "unknown")
            now = time.monotonic()
            self.probes = [now + 0.01, now + 0.1]
        self.due_probes()

    def until(self, end, done=lambda: False):
        while self.open and not done() and time.monotonic() < end:
            self.read(end - time.monotonic())
        # Late, on a busy machine: what was there before the next key is written must be seen before it.
        while self.open and select.select([self.fd], [], [], 0)[0]:
            self.read(0)
        return done()

    def run(self, steps):
        for step in steps:
            if "waitFor" in step:
                text = base64.b64decode(step["waitFor"])
                if not self.until(time.monotonic() + step.get("limitMs", 10000) / 1000, lambda: text in self.fresh):
                    sys.exit("not seen: %r in %r" % (text, self.fresh[-200:]))
                self.fresh = self.fresh.split(text, 1)[1]
                continue
            self.until(time.monotonic() + step.get("afterMs", 0) / 1000)
            data = base64.b64decode(step["typed"])
            try:
                os.write(self.fd, data)
            except OSError:
                break
            self.say("in", data, mode_of(self.fd))
        self.until(time.monotonic() + 1)
        if self.open:
            os.kill(self.pid, signal.SIGKILL)
        os.close(self.fd)
        os.waitpid(self.pid, 0)

plan = json.load(sys.stdin)
Session(plan).run(plan["steps"])
