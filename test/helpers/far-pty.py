"""far-pty.py DELAY_MS PROGRAM ARGS...: as `ssh host` does, puts its own terminal into raw mode and relays to a second
pty where the program runs, each way DELAY_MS / 2 late. What the program does to its terminal shows here by output only."""
import os, pty, select, sys, time, tty, termios

half = float(sys.argv[1]) / 2000
pid, far = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
before = termios.tcgetattr(0)
tty.setraw(0)
late = []  # (when, to, bytes)
sources = [0, far]
try:
    while late or len(sources) == 2:
        wait = max(0, late[0][0] - time.monotonic()) if late else None
        for fd in select.select(sources, [], [], wait)[0]:
            try:
                data = os.read(fd, 4096)
            except OSError:
                data = b""
            if data:
                late.append((time.monotonic() + half, far if fd == 0 else 1, data))
            else:
                sources.remove(fd)
        while late and late[0][0] <= time.monotonic():
            _, to, data = late.pop(0)
            if to == 1 or far in sources:
                os.write(to, data)
finally:
    termios.tcsetattr(0, termios.TCSADRAIN, before)
